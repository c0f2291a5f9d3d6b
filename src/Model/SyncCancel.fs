// Says how a synchronous cancel is told to the kernel, and what its answer means. Knows no ring.
// Tested in SyncCancelLaws.fs; asked by Driver/InFlight.fs. Source: man io_uring_register_sync_cancel(3).
namespace Uring.Model

open System
open System.Buffers.Binary

/// What became of an operation that was to end at once.
[<Struct; RequireQualifiedAccess>]
type SyncCancelVerdict =
    /// The kernel is through with it: its completion is there, or on its way.
    | Over
    /// The kernel does not find it: it has ended, or has not begun.
    | Missed
    /// It runs on when the time is over. Whoever is next is not waited for.
    | TimedOut
    /// A signal came: ask again.
    | Again
    /// This kernel has no such cancel, or the ring was told to refuse it: ask by an operation.
    | AskKernel

/// IORING_REGISTER_SYNC_CANCEL: struct io_uring_sync_cancel_reg, 64 bytes.
///
/// Laws
///  1. the argument names one operation by its user data, whatever that is, and nothing else
///  2. its time is the limit, in whole nanoseconds, and never less
///  3. every answer has a verdict, and only success is `Over`
[<RequireQualifiedAccess>]
module SyncCancel =

    /// Bytes of a struct io_uring_sync_cancel_reg.
    [<Literal>]
    let Size = 64

    /// The operation with this user data, for which the kernel waits so long at most.
    let ofUserData (target: UserData) (limit: TimeSpan) : byte array =
        let argument = Array.zeroCreate<byte> Size
        BinaryPrimitives.WriteUInt64LittleEndian(argument.AsSpan 0, target.Bits)
        BinaryPrimitives.WriteInt32LittleEndian(argument.AsSpan 8, -1)
        BinaryPrimitives.WriteInt64LittleEndian(argument.AsSpan 16, limit.Ticks / TimeSpan.TicksPerSecond)

        BinaryPrimitives.WriteInt64LittleEndian(
            argument.AsSpan 24,
            limit.Ticks % TimeSpan.TicksPerSecond * 100L
        )

        argument

    /// What io_uring_register(2) says.
    let verdict (result: int) : SyncCancelVerdict =
        if result >= 0 then
            SyncCancelVerdict.Over
        else
            match Errno.ofResult result with
            | Errno.ENOENT -> SyncCancelVerdict.Missed
            | Errno.ETIME -> SyncCancelVerdict.TimedOut
            | Errno.EINTR -> SyncCancelVerdict.Again
            // An open set: EINVAL of an old kernel, EACCES of a ring that was told to refuse it.
            | _ -> SyncCancelVerdict.AskKernel
