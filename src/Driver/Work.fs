// Hands work from any thread to the loop: a lock-free list and one wake, and only when the loop sleeps.
// Decides nothing about the work. Tested in tests/Linux/HandOffTests.fs.
namespace Uring.Driver

open System.Collections.Generic
open System.Runtime.ExceptionServices
open System.Threading

/// Something to do on the loop's thread. Linked into the inbox without an allocation.
[<AbstractClass>]
type Work() =
    [<DefaultValue>]
    val mutable internal Next: Work | null

    /// Runs on the loop's thread.
    abstract Run: unit -> unit

    /// Called instead of `Run` when the loop has ended: nobody may be left waiting. From any thread.
    abstract Bury: unit -> unit
    default _.Bury() = ()

/// A callback for the loop's thread.
[<Struct; NoEquality; NoComparison>]
type internal Posted = {
    Callback: SendOrPostCallback
    State: obj | null
} with

    /// An exception that nobody catches (from an `async void`, say) ends the process, as it does on the pool. It must
    /// not pass through the loop, which it would end for everybody else first.
    member this.Run() =
        try
            this.Callback.Invoke this.State
        with reason ->
            ThreadPool.UnsafeQueueUserWorkItem((fun _ -> ExceptionDispatchInfo.Throw reason), null) |> ignore

[<RequireQualifiedAccess>]
module internal Work =

    /// Turns a list linked by `Next` round, in front of `reversed`.
    let rec reverse (rest: Work | null) (reversed: Work | null) : Work | null =
        match rest with
        | null -> reversed
        | first ->
            let next = first.Next
            first.Next <- reversed
            reverse next first

    /// Moves a list linked by `Next` into a queue. Each is unlinked first: it may be pushed again at once.
    let rec enqueue (queue: Queue<Work>) (work: Work | null) =
        match work with
        | null -> ()
        | first ->
            let next = first.Next
            first.Next <- null
            queue.Enqueue first
            enqueue queue next

/// Many producers, one consumer.
///
///   producer: push (CAS: full fence) -> read `asleep` -> if set, clear it and wake
///   consumer: set `asleep` (exchange: full fence) -> read the list -> if empty, sleep
///
/// Each side writes before it reads, with a full fence between, so at least one of them sees the other: a push that
/// the consumer missed is a push whose producer saw the consumer asleep.
[<Sealed>]
type internal Inbox() =
    let mutable top: Work | null = null
    let mutable asleep = 0

    /// Adds work. True when the caller has to wake the loop.
    member _.Push(work: Work) =
        let mutable seen = Volatile.Read &top
        work.Next <- seen

        while not (obj.ReferenceEquals(Interlocked.CompareExchange(&top, work, seen), seen)) do
            seen <- Volatile.Read &top
            work.Next <- seen

        Volatile.Read &asleep = 1 && Interlocked.Exchange(&asleep, 0) = 1

    /// Takes all that has come, oldest first, as a list linked by `Next`.
    member _.TakeAll() : Work | null =
        if isNull (Volatile.Read &top) then
            null
        else
            // Taken newest first; reversing restores the order in which each thread pushed.
            Work.reverse (Interlocked.Exchange(&top, null)) null

    member _.IsEmpty = isNull (Volatile.Read &top)

    /// The loop is about to block. False when work has come meanwhile: do not block.
    member _.TrySleep() =
        Interlocked.Exchange(&asleep, 1) |> ignore

        if isNull (Volatile.Read &top) then
            true
        else
            Volatile.Write(&asleep, 0)
            false

    /// The loop runs again: no wake is needed.
    member _.Awake() = Volatile.Write(&asleep, 0)
