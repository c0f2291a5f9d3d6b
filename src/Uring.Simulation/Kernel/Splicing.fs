// splice(2) and tee(2): what a pipe and another file give each other.
namespace Uring.Simulation.Kernel

open System
open Uring.Model
open Uring.Simulation.World

module internal Splicing =

    /// Moves bytes by way of a pipe; what its target does not take stays where it was.
    let perform (request: KernelRequest) (source: OpenFile) (target: OpenFile) : int =
        let submission = request.Submission
        let length = min 65536 (int submission.Length)

        let isPlaced (file: OpenFile) (offset: uint64) =
            (file :? PipeReader || file :? PipeWriter) && offset <> OpFlags.CurrentPosition

        match source, target with
        | _ when not source.MayRead || not target.MayWrite -> Errno.toResult Errno.EBADF
        | (:? PipeReader as reader), (:? PipeWriter as writer) when writer.IsOf reader ->
            Errno.toResult Errno.EINVAL
        | _ when isPlaced source submission.Address || isPlaced target submission.Offset ->
            Errno.toResult Errno.ESPIPE
        | :? PipeReader, _
        | _, :? PipeWriter ->
            let isBroken =
                match source, target with
                | :? PipeReader, _ -> false
                | _, (:? PipeWriter as writer) -> writer.IsBroken
                | _ -> false

            let room =
                match target with
                | :? PipeWriter as writer -> min length writer.Room
                | _ -> length

            // A directory has no bytes to give.
            if source :? DirectoryFile then
                Errno.toResult Errno.EINVAL
            // Nobody reads: what comes from a pipe finds out when there is something.
            elif isBroken then
                Errno.toResult Errno.EPIPE
            elif room = 0 then
                Outcome.again
            else
                let bytes = Array.zeroCreate<byte> room
                let position (offset: uint64) = if offset = OpFlags.CurrentPosition then -1L else int64 offset

                let taken =
                    match source with
                    | :? PipeReader as reader -> reader.Peek(bytes.AsSpan())
                    | source -> source.Read(bytes.AsSpan(), position submission.Address)

                if taken <= 0 then
                    taken
                else
                    let given = target.Write(ReadOnlySpan(bytes, 0, taken), position submission.Offset)

                    match source with
                    | :? PipeReader as reader when given > 0 -> reader.Drop given
                    | _ -> ()

                    given
        | _ -> Errno.toResult Errno.EINVAL

    /// Copies what is in a pipe to another, and leaves it there.
    let tee (request: KernelRequest) (source: OpenFile) (target: OpenFile) : int =
        let submission = request.Submission

        match source, target with
        | _ when not source.MayRead || not target.MayWrite -> Errno.toResult Errno.EBADF
        | (:? PipeReader as reader), (:? PipeWriter as writer) when not (writer.IsOf reader) ->
            match min (int submission.Length) writer.Room with
            | 0 -> Outcome.again
            | room ->
                let bytes = Array.zeroCreate<byte> room
                let taken = reader.Peek(bytes.AsSpan())
                if taken <= 0 then taken else writer.Write(ReadOnlySpan(bytes, 0, taken), -1L)
        | _ -> Errno.toResult Errno.EINVAL
