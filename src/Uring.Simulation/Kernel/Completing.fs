// What becomes of a request and of its chain when it is done. Source: reference section 4.10, docs/kernel-findings.md.
namespace Uring.Simulation.Kernel

open System
open Uring.Model

[<RequireQualifiedAccess>]
module internal Completing =

    let private canceled = Errno.toResult Errno.ECANCELED

    /// The flag of send and receive that makes the kernel try again after a short transfer.
    let waitAll = 0x100u

    /// Whether a result breaks a chain. Short reads do, short sends and receives only when all was asked for, and then a
    /// datagram that was cut does, too. What works on names, and
    /// what syncs or cuts a file, does not when it fails (6.18), unless it could not even begin.
    let private fails (request: KernelRequest) (result: int) =
        let submission = request.Submission

        match request.Opcode with
        | _ when request.IsRefused -> true
        | Opcode.UnlinkAt
        | Opcode.RenameAt
        | Opcode.MakeDirectoryAt
        | Opcode.LinkAt
        | Opcode.SymbolicLinkAt
        | Opcode.GetAttributeOfFile
        | Opcode.SetAttributeOfFile
        | Opcode.GetAttribute
        | Opcode.SetAttribute
        | Opcode.MemoryAdvise
        | Opcode.SyncFileRange
        | Opcode.Sync
        | Opcode.Truncate
        | Opcode.Allocate
        | Opcode.Status -> result = canceled
        | Opcode.Shutdown -> result = canceled || result = Errno.toResult Errno.ENOTSOCK
        // It was made; only the slot that was asked for is none.
        | Opcode.Socket when submission.FileIndex <> 0u ->
            Errno.isError result
            && result <> Errno.toResult Errno.EINVAL
            && result <> Errno.toResult Errno.ENFILE
            && result <> Errno.toResult Errno.ENXIO
        // Cancelled, it counts as done: a follower runs, and one that is silent on success says nothing.
        | Opcode.FutexWait
        | Opcode.FutexWaitVector -> Errno.isError result && result <> canceled
        | Opcode.Timeout when (submission.OpFlags &&& OpFlags.TimeoutSuccess) <> 0u ->
            result <> Errno.toResult Errno.ETIME && Errno.isError result
        | Opcode.ReadVector
        | Opcode.WriteVector -> result <> Vectors.length request
        | Opcode.Read
        | Opcode.Write
        | Opcode.Tee
        | Opcode.Splice -> result <> (if request.Wanted > 0 then request.Wanted else int submission.Length)
        | Opcode.Receive
        | Opcode.ReceiveMessage when (submission.OpFlags &&& waitAll) <> 0u && request.IsCut -> true
        | Opcode.Send
        | Opcode.SendZeroCopy
        | Opcode.Receive when (submission.OpFlags &&& waitAll) <> 0u -> result < int submission.Length
        | Opcode.SendMessage
        | Opcode.SendMessageZeroCopy
        | Opcode.ReceiveMessage when
            (submission.OpFlags &&& waitAll) <> 0u && not (request.Has SqeFlags.BufferSelect)
            ->
            result < Vectors.length request
        // An open set: for the rest an error is an error.
        | _ -> Errno.isError result

    let private letGo (ring: KernelRing) (request: KernelRequest) =
        request.Disarm()

        match request.File with
        | null -> ()
        | file ->
            request.File <- null
            ring.Leaving.Enqueue file

        match request.Other with
        | null -> ()
        | file ->
            request.Other <- null
            ring.Leaving.Enqueue file

    let private leave (ring: KernelRing) (request: KernelRequest) =
        request.Stage <- Stage.Finished
        letGo ring request

        match request.InFlight with
        | null -> ()
        | node ->
            ring.InFlight.Remove node
            request.InFlight <- null

    /// It takes part from now on: it can be cancelled.
    let enter (ring: KernelRing) (request: KernelRequest) =
        if isNull request.InFlight then request.InFlight <- ring.InFlight.AddLast request

    /// Says that its memory is free, by and by.
    let private notifies (request: KernelRequest) =
        // IORING_NOTIF_USAGE_ZC_COPIED, as over the loopback device, and of what was not sent.
        let isReported = (request.Submission.Priority &&& OpFlags.ReportUsage) <> 0us
        request.Settled <- ValueSome(if isReported then Int32.MinValue else 0)
        request.IsHeld <- true
        request.Stage <- Stage.Armed
        request.Holds request

    /// Ends one that has not begun, without a look at its chain. Of a zero-copy send Linux (6.18) notifies without having
    /// said so, unless it is the head of a chain that could not be prepared.
    let private refuseAs (ring: KernelRing) (result: int) (isHead: bool) (request: KernelRequest) =
        if request.Stage <> Stage.Finished then
            let flags = if isHead && request.Notifies then CqeFlags.More else CqeFlags.None
            ring.Post(request, result, flags)
            if request.Notifies then notifies request else leave ring request

    let private refuse (ring: KernelRing) (result: int) (request: KernelRequest) =
        refuseAs ring result false request

    let rec private cancelAll (ring: KernelRing) (isHead: bool) (request: KernelRequest | null) =
        match request with
        | null -> ()
        | request ->
            refuseAs ring (if request.Fails < 0 then request.Fails else canceled) isHead request

            match request.LinkTimeout with
            | null -> ()
            | timeout -> refuse ring canceled timeout

            cancelAll ring false request.Follower

    /// Ends a chain from here on, in its order.
    let private cancelFrom (ring: KernelRing) (request: KernelRequest) = cancelAll ring false request

    /// Ends a chain of which a part could not be prepared.
    let cancelChain (ring: KernelRing) (head: KernelRequest) = cancelAll ring true head

    /// What waits for a drain looks again.
    let private drained (ring: KernelRing) =
        match ring.Drained.TryPeek() with
        | true, waiting when ring.InFlight.Count = 0 ->
            ring.Drained.Dequeue() |> ignore
            enter ring waiting
            ring.Following.Enqueue waiting

            // Those behind it, up to the next that drains.
            while ring.Drained.Count > 0
                  && not (ring.Drained.Peek().Has SqeFlags.Drain)
                  && not (waiting.Has SqeFlags.Drain) do
                let next = ring.Drained.Dequeue()
                enter ring next
                ring.Following.Enqueue next
        | _ -> ()

    /// Its chain goes on, or ends.
    let private followed (ring: KernelRing) (request: KernelRequest) (failed: bool) =
        match request.LinkTimeout with
        | null -> ()
        | timeout when timeout.Stage = Stage.Finished -> ()
        | timeout when timeout.Has SqeFlags.SkipSuccess -> leave ring timeout
        | timeout -> refuse ring canceled timeout

        match request.Follower with
        | null -> ()
        | follower when failed && not (request.Has SqeFlags.HardLink) -> cancelFrom ring follower
        | follower ->
            enter ring follower
            ring.Following.Enqueue follower

    /// The result of one that notifies when its memory is free: the chain need not wait for that.
    let private hold (ring: KernelRing) (request: KernelRequest) (result: int) =
        ring.Post(request, result, CqeFlags.More)
        letGo ring request
        followed ring request (fails request result)
        request.LinkTimeout <- null
        request.Follower <- null
        notifies request

    /// Its memory is free.
    let release (ring: KernelRing) (request: KernelRequest) (result: int) =
        if request.Stage <> Stage.Finished then
            leave ring request
            ring.Post(request, result, CqeFlags.Notification)
            drained ring

    /// The last completion of a request, or its result, if it notifies later.
    let finish (ring: KernelRing) (request: KernelRequest) (result: int) (flags: CqeFlags) =
        if request.Stage <> Stage.Finished && request.Notifies then
            hold ring request result
        elif request.Stage <> Stage.Finished then
            leave ring request
            let failed = fails request result

            if failed || not (request.Has SqeFlags.SkipSuccess) then ring.Post(request, result, flags)

            followed ring request failed
            drained ring
