// Finds what a cancel names and asks it to end. The target always speaks for itself, after the cancel's own completion.
// Source: reference section 4.9.
namespace Uring.Simulation.Kernel

open System
open System.Buffers.Binary
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

/// What a cancel looks for.
[<Struct; NoEquality; NoComparison>]
type internal Wanted = { Flags: uint32; UserData: uint64; File: OpenFile | null; Opcode: Opcode }

[<RequireQualifiedAccess>]
module internal Cancelling =

    let private all = OpFlags.CancelAll
    let private byFile = OpFlags.CancelDescriptor
    let private any = OpFlags.CancelAny
    let private byUserData = 0x10u
    let private byOpcode = 0x20u

    let private isSet (wanted: Wanted) flag = (wanted.Flags &&& flag) <> 0u

    let private matches (wanted: Wanted) (request: KernelRequest) =
        if isSet wanted any then
            true
        else
            let names =
                if isSet wanted byFile then
                    not (isNull request.File) && obj.ReferenceEquals(request.File, wanted.File)
                elif isSet wanted byOpcode then
                    true
                else
                    request.UserData = wanted.UserData

            names
            && (not (isSet wanted byUserData) || request.UserData = wanted.UserData)
            && (not (isSet wanted byOpcode) || request.Opcode = wanted.Opcode)

    /// Ends one, if it still can be. 0; -EALREADY when it runs; -ENOENT when it is as good as done.
    let stop (choices: Choices) (request: KernelRequest) : int =
        match request.Stage with
        | Stage.Armed ->
            request.Settle(Errno.toResult Errno.ECANCELED)
            0
        | Stage.Tasked when request.IsBetweenTries -> Errno.toResult Errno.ENOENT
        | Stage.Tasked when ValueOption.isNone request.Settled && not (choices.Strikes Fault.CancelledLate) ->
            request.Settle(Errno.toResult Errno.ECANCELED)
            0
        | Stage.Working when not (choices.Strikes Fault.CancelledLate) ->
            request.Settle(Errno.toResult Errno.ECANCELED)
            0
        | Stage.Working ->
            request.IsInterrupted <- true
            Errno.toResult Errno.EALREADY
        // An open set, as enumerations are: what has its result, or has not begun.
        | _ -> Errno.toResult Errno.ENOENT

    /// What ending one is told as: for those who wait for a word Linux (6.18) counts, where it says 0 of all others, and so
    /// a link timeout says 1 as well, in place of -ETIME.
    let told (request: KernelRequest) (stopped: int) : int =
        match request.Opcode with
        | Opcode.FutexWait
        | Opcode.FutexWaitVector when stopped = 0 -> 1
        // An open set: all others.
        | _ -> stopped

    /// What the cancel's completion says.
    let perform (ring: KernelRing) (choices: Choices) (asker: KernelRequest | null) (wanted: Wanted) : int =
        let targets = [|
            for request in ring.InFlight do
                if
                    not (obj.ReferenceEquals(request, asker))
                    && not request.IsHeld
                    // Linux (6.18) has them in a list of their own, where nobody looks.
                    && request.Opcode <> Opcode.LinkTimeout
                    && request.Stage <> Stage.Finished
                    && matches wanted request
                then
                    request
        |]

        if isSet wanted any || isSet wanted all then
            targets |> Array.sumBy (fun request -> if stop choices request = 0 then 1 else 0)
        else
            match targets |> Array.tryHead with
            | Some target -> told target (stop choices target)
            | None -> Errno.toResult Errno.ENOENT

    /// What a synchronous cancel looks for: struct io_uring_sync_cancel_reg, 64 bytes. -EINVAL for what the kernel does not
    /// know, and -EBADF for a descriptor that nobody has.
    let ofArgument (find: int -> OpenFile | null) (argument: Span<byte>) : Result<Wanted, Errno> =
        let flags = BinaryPrimitives.ReadUInt32LittleEndian(Span.op_Implicit (argument.Slice 12))
        let wanted = { Flags = flags; UserData = 0UL; File = null; Opcode = Opcode.Nop }

        // Padding has to be empty, and FD_FIXED (8) is not simulated.
        if (flags &&& ~~~0x37u) <> 0u || argument.Slice(33, 31).IndexOfAnyExcept 0uy >= 0 then
            Error Errno.EINVAL
        else
            let wanted = {
                wanted with
                    UserData = BinaryPrimitives.ReadUInt64LittleEndian(Span.op_Implicit argument)
                    Opcode = LanguagePrimitives.EnumOfValue argument[32]
            }

            if isSet wanted byFile then
                match find (BinaryPrimitives.ReadInt32LittleEndian(Span.op_Implicit (argument.Slice 8))) with
                | null -> Error Errno.EBADF
                | file -> Ok { wanted with File = file }
            else
                Ok wanted

    /// How long it may take, in nanoseconds; negative: without an end.
    let limitOf (argument: Span<byte>) : int64 =
        let seconds = BinaryPrimitives.ReadInt64LittleEndian(Span.op_Implicit (argument.Slice 16))
        let nanoseconds = BinaryPrimitives.ReadInt64LittleEndian(Span.op_Implicit (argument.Slice 24))

        if seconds = -1L && nanoseconds = -1L then
            -1L
        else
            min seconds (Int64.MaxValue / 2_000_000_000L) * 1_000_000_000L + nanoseconds
