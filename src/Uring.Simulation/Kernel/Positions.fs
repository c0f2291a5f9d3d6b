// A write at its file's own position: it takes the position, writes, and gives the position back, and others come in between,
// since nobody holds a lock. Source: io_kiocb_update_pos and kiocb_done in io_uring/rw.c; measured: docs/kernel-findings.md.
namespace Uring.Simulation.Kernel

open Uring.Model
open Uring.Simulation.World

module internal Positions =

    /// The file whose position it takes.
    let fileOf (request: KernelRequest) : RegularFile voption =
        match request.Opcode, request.File with
        | (Opcode.Write | Opcode.WriteVector), (:? RegularFile as file) when
            request.Submission.Offset = OpFlags.CurrentPosition
            ->
            ValueSome file
        | _ -> ValueNone

    /// From now on it writes there, whatever becomes of the file's position.
    let take (request: KernelRequest) =
        match fileOf request with
        | ValueSome file ->
            request.Position <- ValueSome file.Position
            request.Moves <- file.Moves
        | ValueNone -> ()

    /// The file's position is where it has ended; unless somebody has read meanwhile and is the last to say where that is.
    let give (readersAreLast: bool) (request: KernelRequest) (result: int) =
        match fileOf request, request.Position with
        | ValueSome file, ValueSome position ->
            if result >= 0 && not (readersAreLast && file.Moves > request.Moves) then
                file.Position <- position

            request.Position <- ValueNone
        | _ -> ()
