// Ends what is in flight, many at a time. Decides which operations are meant; how each ends, the loop knows.
namespace Uring.FSharp

open System
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// Which operations a program means when it names none of them. Each ends as any that is cancelled does, or with what it
/// has done by then.
[<RequireQualifiedAccess>]
module internal Cancel =

    /// What is closed is closed.
    let private isTheirs (pending: Pending) = pending.Opcode <> Opcode.Close && not pending.IsOwn

    /// All of a ring.
    let all (loop: Loop) : ValueTask<int> = loop.CancelAll isTheirs

    /// All of a sort.
    let ofOpcode (opcode: Opcode) (loop: Loop) : ValueTask<int> =
        loop.CancelAll(fun pending -> pending.Opcode = opcode && isTheirs pending)

    let private isOn (descriptor: FileDescriptor) (pending: Pending) =
        obj.ReferenceEquals(pending.Target, descriptor) || obj.ReferenceEquals(pending.Other, descriptor)

    /// All on a descriptor.
    let on (descriptor: FileDescriptor) : ValueTask<int> =
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, descriptor)
        (descriptor.Home :?> Loop).CancelAll(isOn descriptor)

    // ---- at once

    let private checkedLimit (limit: TimeSpan) =
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero, nameof limit)

    /// All of a ring.
    let allNow (limit: TimeSpan) (loop: Loop) : ValueTask<CancelCount> =
        checkedLimit limit
        loop.CancelAndWait(isTheirs, limit)

    /// All of a sort.
    let ofOpcodeNow (opcode: Opcode) (limit: TimeSpan) (loop: Loop) : ValueTask<CancelCount> =
        checkedLimit limit
        loop.CancelAndWait((fun pending -> pending.Opcode = opcode && isTheirs pending), limit)

    /// All on a descriptor.
    let onNow (descriptor: FileDescriptor) (limit: TimeSpan) : ValueTask<CancelCount> =
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, descriptor)
        checkedLimit limit
        (descriptor.Home :?> Loop).CancelAndWait(isOn descriptor, limit)
