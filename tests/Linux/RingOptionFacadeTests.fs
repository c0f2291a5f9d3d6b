/// The options of a ring as C# names them.
module Uring.Tests.Linux.RingOptionFacadeTests

open System
open System.IO
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Hosting

let private withRing (options: RingOptions) (body: Ring -> unit) =
    let ring = new Ring(options)

    try
        body ring
    finally
        ring.DisposeAsync().AsTask() |> finished "DisposeAsync"

let private nops (ring: Ring) =
    Task.WhenAll [| for _ in 1..300 -> ring.NopAsync().AsTask() |] |> finished "nops"

let private refused (name: string) (options: RingOptions) =
    match failureOf (fun () -> new Ring(options)) with
    | :? ArgumentException as failure -> Expect.equal failure.ParamName name name
    | other -> failtest $"{name}: {other}"

[<Tests>]
let tests =
    testList "Ring options in C#" [
        testCase "a ring with everything that goes together" (fun () ->
            let options =
                RingOptions(
                    SubmissionPolling = true,
                    SubmissionPollingIdle = TimeSpan.FromMilliseconds 5.0,
                    SubmissionPollingProcessor = Nullable 0,
                    WorkerProcessors = [| 0 |],
                    NoIoWait = true,
                    WaitFor = 2,
                    MinimumWait = TimeSpan.FromMilliseconds 1.0,
                    WaitClock = Clock.BootTime,
                    BusyPolling = TimeSpan.FromMilliseconds 0.02
                )

            withRing options nops)

        testCase "two rings share a submitting thread" (fun () ->
            withRing (RingOptions(SubmissionPolling = true)) (fun lender ->
                withRing (RingOptions(SubmissionPolling = true, SharedSubmitter = lender)) (fun borrower ->
                    nops lender
                    nops borrower)))

        testCase "what makes no sense is refused with its name" (fun () ->
            refused "MinimumWait" (RingOptions(WaitFor = 2))
            refused "WaitFor" (RingOptions(WaitFor = 0))
            refused "MinimumWait" (RingOptions(MinimumWait = TimeSpan.FromSeconds -1.0))
            refused "BusyPolling" (RingOptions(BusyPolling = TimeSpan.FromDays 1.0))
            refused "WaitClock" (RingOptions(WaitClock = Clock.RealTime))
            refused "WorkerProcessors" (RingOptions(WorkerProcessors = [| 9000 |]))
            refused "SubmissionPollingIdle" (RingOptions(SubmissionPollingIdle = TimeSpan.FromSeconds 1.0))
            refused "SubmissionPollingProcessor" (RingOptions(SubmissionPollingProcessor = Nullable 0))

            refused
                "SubmissionPollingProcessor"
                (RingOptions(SubmissionPolling = true, SubmissionPollingProcessor = Nullable -1))

            withRing (RingOptions()) (fun ring ->
                refused "SharedSubmitter" (RingOptions(SharedSubmitter = ring))

                // It has none to share.
                Expect.throwsT<InvalidOperationException>
                    (fun () ->
                        new Ring(RingOptions(SubmissionPolling = true, SharedSubmitter = ring)) |> ignore)
                    "nothing to share"))

        testCase "a ring takes other sizes while it works" (fun () ->
            withRing (RingOptions(SubmissionEntries = 8, CompletionEntries = 16)) (fun ring ->
                nops ring
                ring.ResizeAsync(512, 1024).AsTask() |> finished "resize"
                nops ring

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> ring.ResizeAsync(16, 8).AsTask() |> finished "resize")
                    "sizes"))

        testCase "a ring with restrictions" (fun () ->
            inFolder (fun folder ->
                File.WriteAllText(at folder "a", "hello")
                let restrictions = RingRestrictions()
                // An open looks at what it has opened, too.
                restrictions.Operations.Add RingOperation.OpenAt |> ignore
                restrictions.Operations.Add RingOperation.Status |> ignore

                withRing (RingOptions(Restrictions = restrictions)) (fun ring ->
                    let file = UringFile.OpenAsync(at folder "a", ring = ring).AsTask() |> finish "open"
                    file.DisposeAsync().AsTask() |> finished "close"

                    match
                        failureOf (fun () ->
                            UringFile.DeleteAsync(at folder "a", ring).AsTask() |> finished "delete")
                    with
                    | :? UnauthorizedAccessException as failure ->
                        Expect.stringContains failure.Message "restrictions" "why"
                        Expect.stringContains failure.Message "UnlinkAt" "what"
                    | other -> failtest $"{other}"

                    Expect.isTrue (File.Exists(at folder "a")) "still there"

                    Expect.throwsT<NotSupportedException>
                        (fun () -> ring.RegisterPersonalityAsync().AsTask() |> finish "register" |> ignore)
                        "credentials")))

        testCase "restrictions can allow more" (fun () ->
            let restrictions = RingRestrictions(AllowsPersonalities = true, AllowsResizing = true)

            withRing (RingOptions(Restrictions = restrictions)) (fun ring ->
                ring.RegisterPersonalityAsync().AsTask() |> finish "register" |> ignore
                ring.ResizeAsync(64, 64).AsTask() |> finished "resize"))

        testCase "a file is opened with credentials that the ring remembers" (fun () ->
            inFolder (fun folder ->
                withRing (RingOptions()) (fun ring ->
                    let personality = ring.RegisterPersonalityAsync().AsTask() |> finish "register"

                    let opening =
                        personality.OpenAsync(at folder "a", FileMode.CreateNew, FileAccess.Write)

                    let file = opening.AsTask() |> finish "open"
                    Expect.equal file.Path (at folder "a") "path"
                    file.DisposeAsync().AsTask() |> finished "close"
                    personality.DisposeAsync().AsTask() |> finished "forget"

                    Expect.throwsT<ObjectDisposedException>
                        (fun () ->
                            personality.OpenAsync(at folder "a").AsTask() |> finish "open" |> ignore)
                        "forgotten")))
    ]
