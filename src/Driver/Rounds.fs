// What runs between two enters, on the loop's thread: continuations, callbacks, work of other threads. Each round runs
// what is there when it begins, so that nothing starves the rest.
namespace Uring.Driver

open System.Collections.Generic

/// In a struct, because storing a reference in an array of its base class costs a type check.
[<Struct>]
type internal Ready = { Pending: Pending }

[<Sealed>]
type internal Rounds(inbox: Inbox) =
    // Completed, and awaited on this loop.
    let ready = Queue<Ready>()
    // Posted by what runs here.
    let posted = Queue<Posted>()
    // Handed over and not yet run; some of it has to wait for the next turn.
    let postponed = Queue<Work>()

    member _.Add(pending: Pending) =
        pending.ExpectContinuation()
        ready.Enqueue { Pending = pending }

    member _.Post(callback: Posted) = posted.Enqueue callback
    member _.Postpone(work: Work) = postponed.Enqueue work

    /// Nothing waits to run.
    member _.IsIdle = ready.Count = 0 && posted.Count = 0 && postponed.Count = 0 && inbox.IsEmpty

    /// Continuations and callbacks: those that are there now, and none that come meanwhile.
    member _.RunReady() =
        for _ in 1 .. ready.Count do
            ready.Dequeue().Pending.Continue()

        for _ in 1 .. posted.Count do
            let callback = posted.Dequeue()
            callback.Run()

    /// What other threads have handed over. By way of the queue, so that what has not run when the ring fails can still
    /// be told.
    member _.RunInbox() =
        Work.enqueue postponed (inbox.TakeAll())

        for _ in 1 .. postponed.Count do
            postponed.Dequeue().Run()

    /// Whoever still waits is told. From any thread, once the loop has ended.
    member _.BuryInbox() =
        let left = Queue<Work>()
        Work.enqueue left (inbox.TakeAll())

        for work in left do
            work.Bury()

    /// On the loop's thread, as long as telling one makes others ready.
    member this.BuryAll() =
        while postponed.Count > 0 do
            postponed.Dequeue().Bury()

        this.BuryInbox()

        while ready.Count > 0 || posted.Count > 0 do
            this.RunReady()
            this.BuryInbox()
