/// Polling descriptors that the library did not open.
module Uring.Tests.Linux.PollTests

open System
open System.Threading
open System.Threading.Tasks
open Expecto
open Microsoft.Win32.SafeHandles
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

/// One end of a connection as a mere descriptor, and the other end.
let private lend (host: LoopThread) (body: SafeFileHandle -> Uring.FSharp.Socket -> Peer -> unit) =
    let struct (ours, theirs) = connectPair host
    use handle = new SafeFileHandle(nativeint ours.Descriptor.Number, false)
    body handle ours theirs
    theirs.Dispose()
    (ours :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "close"

[<Tests>]
let tests =
    testSequenced
    <| testList "Poll" [
        case "what is there is told at once" (fun host ->
            lend host (fun handle _ _ ->
                let found = runOn host (Poll.once handle (PollEvents.Readable ||| PollEvents.Writable))
                Expect.equal found PollEvents.Writable "events"))

        case "what is not there is waited for" (fun host ->
            lend host (fun handle _ theirs ->
                let waiting = startOn host (Poll.once handle PollEvents.Readable)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                Expect.isFalse waiting.IsCompleted "waits"
                theirs.Send "x"B |> ignore
                Expect.equal (finish "poll" waiting) PollEvents.Readable "events"))

        case "a hang-up is told, whether asked for or not" (fun host ->
            lend host (fun handle _ theirs ->
                let waiting = startOn host (Poll.once handle PollEvents.ReadHangUp)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                theirs.Dispose()
                let found = finish "poll" waiting
                Expect.isTrue (found.HasFlag PollEvents.ReadHangUp) "events"))

        case "cancelled during, and before" (fun host ->
            lend host (fun handle _ _ ->
                use source = new CancellationTokenSource()
                let waiting = Uring.startOn host source.Token (Poll.once handle PollEvents.Readable)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "poll" waiting
                Expect.isTrue waiting.IsCanceled "during"
                let late = Uring.startOn host source.Token (Poll.once handle PollEvents.Readable)
                ended "poll" late
                Expect.isTrue late.IsCanceled "before"))

        case "the handle is held while somebody waits" (fun host ->
            lend host (fun handle _ theirs ->
                let waiting = startOn host (Poll.once handle PollEvents.Readable)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                handle.Dispose()
                theirs.Send "x"B |> ignore
                Expect.equal (finish "poll" waiting) PollEvents.Readable "events"

                match failureOf (fun () -> runOn host (Poll.once handle PollEvents.Readable)) with
                | :? ObjectDisposedException -> ()
                | other -> failtest $"{other}"))

        case "what is no descriptor: EBADF" (fun host ->
            use handle = new SafeFileHandle(nativeint 1_000_000, false)

            match failureOf (fun () -> runOn host (Poll.once handle PollEvents.Readable)) with
            | :? ObjectDisposedException -> ()
            | other -> failtest $"{other}")

        testCase "from C#" (fun () ->
            withLoop (fun host ->
                lend host (fun handle _ theirs ->
                    use ring = new Uring.Ring()
                    let waiting = ring.PollAsync(handle, Uring.PollEvents.Readable).AsTask()
                    eventually "in flight" (fun () -> ring.InFlight = 1)
                    theirs.Send "x"B |> ignore
                    Expect.equal (finish "poll" waiting) Uring.PollEvents.Readable "events"
                    use source = new CancellationTokenSource()
                    source.Cancel()
                    let late = ring.PollAsync(handle, Uring.PollEvents.Readable, source.Token).AsTask()
                    ended "poll" late
                    Expect.isTrue late.IsCanceled "before")))
    ]
