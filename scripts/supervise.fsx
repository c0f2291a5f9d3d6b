// Runs commands and keeps them running: `dotnet fsi scripts/supervise.fsx -- "my-server --port 7000" "my-worker"`.
// One that dies is started again, at first soon, then later and later. SIGTERM and SIGINT are passed on: the commands end
// one after another, the last one first. Shows signals as something to wait for, and signals to children without a race.

#load "shared.fsx"

open System
open System.Diagnostics
open System.Runtime.InteropServices
open System.Threading
open Argu
open Uring.Driver
open Uring.FSharp

type Arguments =
    | [<MainCommand; ExactlyOnce>] Commands of command: string list
    | Pause of milliseconds: int
    | Grace of milliseconds: int

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Commands _ -> "what to run, each by a shell, in this order."
            | Pause _ -> "before a command is started again, 500 if not given; doubled each time, to 30 s."
            | Grace _ -> "for a command to end before it is killed, 10000 if not given."

let arguments = Shared.arguments<Arguments>()
let milliseconds name value = TimeSpan.FromMilliseconds(float (Shared.within 1 3_600_000 name value))
let pause = arguments.GetResult(Pause, 500) |> milliseconds "--pause"
let longest = TimeSpan.FromSeconds 30.0
let grace = arguments.GetResult(Grace, 10_000) |> milliseconds "--grace"

type Service = { Command: string; mutable Running: Process option }

let services = [ for command in arguments.GetResult Commands -> { Command = command; Running = None } ]
let mutable isEnding = false

let say (service: Service) (what: string) = Console.Out.WriteLine $"{service.Command}: {what}"

let ended (child: Process) : Uring<unit> =
    uring {
        let! token = Uring.token
        do! child.WaitForExitAsync token
    }

let keep (service: Service) : Uring<unit> =
    uring {
        let mutable wait = pause

        while not isEnding do
            let clock = Stopwatch.StartNew()
            // In a session of its own: a terminal's Ctrl-C is for us to pass on.
            let child = Process.Start("setsid", [ "sh"; "-c"; $"exec {service.Command}" ])
            service.Running <- Some child
            say service $"process {child.Id}"
            do! ended child
            say service $"ended with {child.ExitCode}"
            // One that has lived long enough begins anew.
            if clock.Elapsed > longest then wait <- pause
            if not isEnding then do! Uring.sleep wait
            wait <- min longest (2.0 * wait)
    }

let stop (signal: PosixSignal) (service: Service) : Uring<unit> =
    uring {
        match service.Running with
        | Some child when not child.HasExited ->
            try
                Child.signalProcess child signal
                let! inTime = Uring.catch (Uring.timeout grace (ended child))

                if Result.isError inTime then
                    say service "is killed"
                    child.Kill true
                    do! ended child
            with :? InvalidOperationException ->
                () // It has ended by itself.
        | _ -> ()
    }

Shared.main (
    uring {
        use! signals = Signals.listen [ PosixSignal.SIGTERM; PosixSignal.SIGINT ]
        use pauses = new CancellationTokenSource()

        let keeping =
            Uring.startOn LoopThread.Default pauses.Token (Uring.``parallel`` (List.map keep services))

        let! signal = Signals.next signals
        isEnding <- true

        for service in List.rev services do
            do! stop signal service

        pauses.Cancel()
        do! Uring.discard (Uring.catch (uring { return! keeping }))
        Console.Out.WriteLine $"{services.Length} commands ended"
    }
)
