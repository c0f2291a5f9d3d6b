// What a submission points to and the kernel reads when it takes it: paths, addresses, times.
namespace Uring.Simulation.Kernel

open System
open Uring.Kernel
open Uring.Model

module internal Inputs =

    let private timespec (address: uint64) =
        let seconds = Mapped.read<int64>(nativeint address)
        let nanoseconds = Mapped.read<int64>(nativeint address + 8n)

        if seconds >= Int64.MaxValue / 1_000_000_000L then
            Int64.MaxValue
        else
            seconds * 1_000_000_000L + nanoseconds

    let private path (address: uint64) : string =
        let mutable length = 0

        while Mapped.read<byte>(nativeint address + nativeint length) <> 0uy do
            length <- length + 1

        Text.Encoding.UTF8.GetString(
            Span.op_Implicit (Mapped.span (nativeint address) length): ReadOnlySpan<byte>
        )

    /// What no name is: -ENOENT, before anything else is looked at, unless the descriptor alone will do (AT_EMPTY_PATH).
    let private named (request: KernelRequest) : int =
        let submission = request.Submission

        let mayBeEmpty =
            match request.Opcode with
            | Opcode.Status
            | Opcode.LinkAt -> (submission.OpFlags &&& OpFlags.EmptyPath) <> 0u
            // An open set: the rest wants a name.
            | _ -> false

        if request.Path = "" && not mayBeEmpty then Errno.toResult Errno.ENOENT else 0

    let private bytes (address: uint64) (length: int) = (Mapped.span (nativeint address) length).ToArray()

    /// Copies what the program must keep only until the submission is taken. Source: reference section 4.2.
    let copy (clocks: Clocks) (request: KernelRequest) : int =
        let submission = request.Submission

        match request.Opcode with
        | Opcode.Timeout
        | Opcode.LinkTimeout ->
            request.Span <- timespec submission.Address
            request.Left <- int submission.Offset

            if (submission.OpFlags &&& OpFlags.TimeoutAbsolute) <> 0u then
                request.IsDeadline <- true
                request.Span <- clocks.SinceStart(submission.OpFlags, request.Span)

            0
        | Opcode.TimeoutRemove when submission.Offset <> 0UL ->
            // As the clock of the timer shows it, which is known when that has been found.
            request.Span <- timespec submission.Offset
            request.IsDeadline <- (submission.OpFlags &&& OpFlags.TimeoutAbsolute) <> 0u
            0
        | Opcode.OpenAt
        | Opcode.UnlinkAt
        | Opcode.MakeDirectoryAt
        | Opcode.Status ->
            request.Path <- path submission.Address
            named request
        | Opcode.GetAttributeOfFile ->
            request.Path <- path submission.Address
            0
        | Opcode.GetAttribute ->
            request.Path <- path submission.Address
            request.OtherPath <- path submission.Address3
            0
        | Opcode.SetAttribute ->
            request.Path <- path submission.Address
            request.OtherPath <- path submission.Address3
            request.Address <- bytes submission.Offset (int submission.Length)
            0
        | Opcode.SetAttributeOfFile ->
            request.Path <- path submission.Address
            request.Address <- bytes submission.Offset (int submission.Length)
            0
        | Opcode.OpenAt2 ->
            request.Path <- path submission.Address
            request.Address <- bytes submission.Offset (int submission.Length)
            named request
        | Opcode.ReadVector
        | Opcode.WriteVector -> Vectors.copy request
        | Opcode.SendMessage
        | Opcode.SendMessageZeroCopy
        | Opcode.ReceiveMessage -> Vectors.copyMessage request
        | Opcode.RenameAt
        | Opcode.LinkAt
        | Opcode.SymbolicLinkAt ->
            request.Path <- path submission.Address
            request.OtherPath <- path submission.Offset
            0
        | Opcode.Connect
        | Opcode.Bind ->
            request.Address <- bytes submission.Address (int submission.Offset)
            0
        | Opcode.Send
        | Opcode.SendZeroCopy when submission.Offset <> 0UL ->
            request.Address <- bytes submission.Offset (int (submission.FileIndex &&& 0xffffu))
            0
        // An open set: nothing to copy.
        | _ -> 0
