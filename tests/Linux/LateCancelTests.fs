/// A cancel of what is done at once, at any moment: it comes before, and nothing has happened; or too late, and all has.
/// What works on descriptors: DirectTableTests.
module Uring.Tests.Linux.LateCancelTests

open System
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private day = TimeSpan.FromDays 1.0

/// Starts it, and cancels it after a while that is longer each time: true when it was done, false when it was cancelled.
let private cancelledAfter (host: LoopThread) (round: int) (program: Uring<'T>) : bool * Task<'T> =
    use source = new CancellationTokenSource()
    let running = Uring.startOn host source.Token program
    Thread.SpinWait(round * round * 20)
    source.Cancel()
    ended "cancelled" running

    if not (running.IsCompletedSuccessfully || running.IsCanceled) then
        failtest $"neither: {running.Exception}"

    running.IsCompletedSuccessfully, running

let private rounds = [ 0..24 ]

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

[<Tests>]
let tests =
    testSequenced
    <| testList "Late cancel" [
        case "TIMEOUT_REMOVE: the timer has its new time, or the one that it had" (fun host ->
            for round in rounds do
                let struct (running, result) =
                    Running.start host.Loop (Uring.timer day) CancellationToken.None

                // Its name is the loop's to tell.
                let target = ref UserData.none

                Running.ask running (fun name ->
                    target.Value <- name
                    nop)
                |> finish "name"
                |> ignore

                let change = Uring.timerChange OpFlags.TimeoutChange "time" TimeSpan.Zero target.Value
                let wasChanged, _ = cancelledAfter host round (Uring.perform change)

                if not wasChanged then Running.cancel running |> finish "cancel" |> ignore

                let expected = if wasChanged then Errno.ETIME else Errno.ECANCELED
                Expect.equal (result.AsTask() |> finish "timer" |> Errno.ofResult) expected "its end"
                Expect.equal host.Loop.InFlight 0 "nothing is left")

        case "POLL_REMOVE: the poll has its new events, or those that it had" (fun host ->
            let pipe = runOn host Pipe.create

            for round in rounds do
                let stream = runOn host (File.pollMany pipe.Writer PollEvents.Error)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                let target = (nonNull stream.Stream).UserData
                let change = Request.bare (Submission.changePoll target (uint32 PollEvents.Writable))
                let wasChanged, _ = cancelledAfter host round (Uring.perform change)

                // The one that it had still runs, and can be changed.
                if not wasChanged then
                    Expect.isTrue (runOn host (Poll.change stream PollEvents.Writable)) "it runs"

                Expect.isTrue (runOn host (UringStream.next stream)) "told"
                Expect.equal stream.Current PollEvents.Writable "events"
                (stream :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "leave"
                Expect.equal host.Loop.InFlight 0 "nothing is left"

            runOn host (Pipe.close pipe))

        case "MSG_RING: a message has come once, or not at all" (fun host ->
            withLoop (fun other ->
                let mail value = { Tag = 1; Value = value; Flags = 0u }

                let sent = [
                    for round in rounds do
                        let wasSent, _ = cancelledAfter host round (Mail.post other (mail round))
                        if wasSent then round
                ]

                runOn host (Mail.post other (mail -1))
                let mutable found = []
                let mutable goes = true

                while goes do
                    let one = runOn other Mail.receive
                    goes <- one.Value >= 0
                    if goes then found <- one.Value :: found

                Expect.equal (List.rev found) sent "in their order"
                Expect.equal (host.Loop.InFlight, other.Loop.InFlight) (0, 0) "nothing is left"))

        case "FUTEX_WAKE: who waits is woken, or waits on" (fun host ->
            for round in rounds do
                let futex = Futex()
                let waiting = startOn host (Uring.discard (Futex.wait futex 0))
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                let wasDone, running = cancelledAfter host round (Futex.wake futex 1)

                if wasDone then
                    Expect.equal running.Result 1 "woken"
                else
                    Expect.isFalse waiting.IsCompleted "waits on"
                    Expect.equal (runOn host (Futex.wake futex 1)) 1 "and can be woken"

                finish "wait" waiting
                Expect.equal host.Loop.InFlight 0 "nothing is left")

        case "a bounded chain: what was to be read was read, or is still there" (fun host ->
            let pipe = runOn host Pipe.create

            for round in rounds do
                let steps: BoundedStep<Request> list = [
                    {
                        Step = FileRequest.readNext pipe.Reader.Descriptor (Memory(Array.zeroCreate 4))
                        Limit = ValueSome(Uring.within day)
                        Link = Link.Soft
                    }
                    { Step = nop; Limit = ValueNone; Link = Link.Soft }
                ]

                runOn host (File.writeAllNext pipe.Writer (ReadOnlyMemory "text"B))
                use source = new CancellationTokenSource()
                let running = Uring.startOn host source.Token (Chains.runBounded steps)
                Thread.SpinWait(round * round * 20)
                source.Cancel()
                ended "chain" running

                let wasRead =
                    not running.IsCanceled
                    && (match running.Result with
                        | [ StepOutcome.Ran 4; StepOutcome.Ran 0 ]
                        | [ StepOutcome.Ran 4; StepOutcome.Cancelled ] -> true
                        | [ StepOutcome.Cancelled; StepOutcome.Cancelled ] -> false
                        | other -> failtest $"{other.Length}")

                Expect.equal host.Loop.InFlight 0 "nothing is left"

                if not wasRead then
                    let room = Memory(Array.zeroCreate 9)
                    Expect.equal (runOn host (File.readNext pipe.Reader room)) 4 "still there"

            runOn host (Pipe.close pipe))
    ]
