// Who waits for which word of memory on one machine. Tested in tests/Linux/FutexTests.fs, which runs on it, too, and in
// DifferentialTests.fs. Source: man futex(2), futex2, io_uring_prep_futex_wait(3).
namespace Uring.Simulation.Kernel

open System.Collections.Generic
open Uring.Kernel
open Uring.Model

/// One word of several that an operation waits for: struct futex_waitv.
[<Struct>]
type internal FutexEntry = { Expected: uint32; Address: uint64; Flags: uint32 }

[<RequireQualifiedAccess>]
module internal FutexVector =

    let private size = 24n

    let read (submission: Submission) : FutexEntry array =
        Array.init (int submission.Length) (fun index ->
            let at = nativeint submission.Address + nativeint index * size

            {
                Expected = Mapped.read<uint32> at
                Address = Mapped.read<uint64>(at + 8n)
                Flags = Mapped.read<uint32>(at + 16n)
            })

    let isSound (entry: FutexEntry) =
        (entry.Flags &&& ~~~OpFlags.FutexPrivate) = OpFlags.FutexSize32 && entry.Address % 4UL = 0UL

    /// Which of them lies there.
    let indexOf (address: uint64) (submission: Submission) : int =
        read submission |> Array.findIndex (fun entry -> entry.Address = address)

/// Words of four bytes; those who wait are woken in the order in which they came.
///
/// Laws
///  1. who finds another value than the expected one does not wait
///  2. a wake ends as many as it was asked to, of those who wait for one of its bits
///  3. a wake without anybody to wake is not remembered
[<Sealed>]
type internal Futexes() =
    let waiting = Dictionary<uint64, List<KernelRequest>>()

    // The size and the width of the mask have been looked at (Strictness).
    let isSound (submission: Submission) = submission.Address3 <> 0UL && submission.Address % 4UL = 0UL

    /// Those who still wait there: who was cancelled has left without a word.
    let queueAt (address: uint64) =
        match waiting.TryGetValue address with
        | true, queue ->
            queue.RemoveAll(fun request -> request.Stage <> Stage.Armed) |> ignore
            queue
        | _ ->
            let queue = List<KernelRequest>()
            waiting[address] <- queue
            queue

    let refuse (errno: Errno) = Errno.toResult errno

    /// FUTEX_WAIT.
    member _.Wait(request: KernelRequest) : int =
        let submission = request.Submission

        if not (isSound submission) then
            refuse Errno.EINVAL
        elif Mapped.read<uint32>(nativeint submission.Address) <> uint32 submission.Offset then
            refuse Errno.EAGAIN
        else
            request.Stage <- Stage.Armed
            (queueAt submission.Address).Add request
            Outcome.Parked

    /// FUTEX_WAITV: the result is the index of the word that was woken.
    member _.WaitAny(request: KernelRequest) : int =
        let entries = FutexVector.read request.Submission

        if request.Submission.Length = 0u || request.Submission.Length > 128u then
            refuse Errno.EINVAL
        elif entries |> Array.exists (FutexVector.isSound >> not) then
            refuse Errno.EINVAL
        elif
            entries
            |> Array.exists (fun entry -> Mapped.read<uint32>(nativeint entry.Address) <> entry.Expected)
        then
            refuse Errno.EAGAIN
        else
            request.Stage <- Stage.Armed

            for entry in entries do
                (queueAt entry.Address).Add request

            Outcome.Parked

    /// FUTEX_WAKE. How many were woken.
    member _.Wake(request: KernelRequest) : int =
        let submission = request.Submission

        if not (isSound submission) then
            refuse Errno.EINVAL
        else
            let queue = queueAt submission.Address
            let most = int64 submission.Offset

            let chosen =
                queue.FindAll(fun waiter ->
                    let wanted = waiter.Submission
                    // Of several words, each waits for anyone.
                    waiter.Opcode = Opcode.FutexWaitVector
                    || (wanted.Address3 &&& submission.Address3) <> 0UL)

            let woken = chosen.GetRange(0, int (min (int64 chosen.Count) (max 0L most)))

            for waiter in woken do
                if waiter.Opcode = Opcode.FutexWaitVector then
                    waiter.Settle(FutexVector.indexOf submission.Address waiter.Submission)
                else
                    waiter.Settle 0

            if queue.TrueForAll(fun waiter -> waiter.Stage <> Stage.Armed) then
                waiting.Remove submission.Address |> ignore

            woken.Count
