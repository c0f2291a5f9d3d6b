/// Leases that are dropped without being disposed of: reported once, with the place if that was asked for, and their
/// buffers come back. Each is dropped in a method of its own, so that no frame holds it.
module Uring.Tests.Linux.LostLeaseTests

open System
open System.Runtime.CompilerServices
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.Receiving

let private text (lease: BufferLease) = Text.Encoding.ASCII.GetString lease.Span
let private single = BufferPoolOptions.fixedOf 1 16

/// Out of this method's frame nothing holds the lease.
[<MethodImpl(MethodImplOptions.NoInlining)>]
let private forget (receiver: Receiver) = leaseOf receiver "abc"B |> ignore

[<MethodImpl(MethodImplOptions.NoInlining)>]
let private forgetShare (receiver: Receiver) =
    use lease = leaseOf receiver "abc"B
    lease.Share() |> ignore

[<MethodImpl(MethodImplOptions.NoInlining)>]
let private shareAndForget (receiver: Receiver) = (leaseOf receiver "abc"B).Share()

/// Of two buffers one is held by nobody but the share.
[<MethodImpl(MethodImplOptions.NoInlining)>]
let private useShare (receiver: Receiver) =
    let share = shareAndForget receiver
    let another = leaseOf receiver "another"B
    another.Dispose()
    GC.Collect()
    GC.WaitForPendingFinalizers()
    runOn receiver.Host Uring.nop |> ignore
    Expect.equal receiver.Pool.Available 1 "held by the share"
    Expect.equal (text share) "abc" "its bytes"
    share.Dispose()

let private takeAndForget (receiver: Receiver) =
    uring {
        let mutable more = true

        while more do
            let! _ = UringStream.next receiver.Stream
            more <- receiver.Stream.Current.Length = 0
    }

let private collected (what: string) (holds: unit -> bool) =
    eventually what (fun () ->
        GC.Collect()
        GC.WaitForPendingFinalizers()
        holds ())

[<Tests>]
let tests =
    // The stream that gave a lease knows it until it has given the next: so there are two buffers.
    let losing name (options: BufferPoolOptions) (body: Receiver -> unit) =
        testCase name (fun () -> withReceiver options body)

    let two = BufferPoolOptions.fixedOf 2 16

    testSequenced
    <| testList "Lost lease" [
        for tracked in [ false; true ] do
            losing
                $"is reported, and its buffer comes back, tracked: {tracked}"
                { two with TrackLeases = tracked }
                (fun receiver ->
                    let reported = TaskCompletionSource<string>()

                    use _ =
                        receiver.Pool.LeaseLost.Subscribe(fun text -> reported.TrySetResult text |> ignore)

                    forget receiver
                    let another = leaseOf receiver "another"B
                    another.Dispose()
                    collected "it is found" (fun () -> reported.Task.IsCompleted)
                    allBack receiver.Pool
                    let description = finish "the report" reported.Task
                    Expect.stringContains description "without being disposed of" "what happened"

                    if tracked then
                        Expect.stringContains description "   at " "a stack"
                    else
                        Expect.stringContains description "TrackLeases" "how to learn more"

                    Expect.equal receiver.Pool.Statistics.Lost 1L "counted once")

        losing "is reported with the place that took it" { two with TrackLeases = true } (fun receiver ->
            let reported = TaskCompletionSource<string>()
            use _ = receiver.Pool.LeaseLost.Subscribe(fun text -> reported.TrySetResult text |> ignore)
            forgetShare receiver
            collected "it is found" (fun () -> reported.Task.IsCompleted)
            Expect.stringContains (finish "the report" reported.Task) (nameof forgetShare) "who took it")

        losing "of which a share is alive keeps the buffer, and is reported after it" two (fun receiver ->
            useShare receiver
            collected "the dropped one" (fun () -> receiver.Pool.Statistics.Lost = 1L)
            allBack receiver.Pool)

        // Not the loop that delivered the bytes.
        losing
            "after it was received is reported with the place that took it"
            { two with TrackLeases = true }
            (fun receiver ->
                let reported = TaskCompletionSource<string>()
                use _ = receiver.Pool.LeaseLost.Subscribe(fun text -> reported.TrySetResult text |> ignore)
                receiver.Peer.Send "abc"B |> ignore
                runOn receiver.Host (takeAndForget receiver)
                let another = leaseOf receiver "another"B
                another.Dispose()
                collected "it is found" (fun () -> reported.Task.IsCompleted)

                Expect.stringContains
                    (finish "the report" reported.Task)
                    (nameof takeAndForget)
                    "who took it")

        // The stream that waits for the buffer must not keep its last lease from being collected.
        losing "the last one, too, while its stream waits" single (fun receiver ->
            forget receiver
            receiver.Peer.Send "next"B |> ignore
            let waiting = startOn receiver.Host (UringStream.next receiver.Stream)
            collected "its buffer is used again" (fun () -> waiting.IsCompleted)
            use lease = receiver.Stream.Current
            Expect.equal (text lease) "next" "bytes")
    ]
