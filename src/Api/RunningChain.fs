// A chain whose limits are changed while it runs.
namespace Uring.FSharp

open System
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// A chain that runs.
[<Sealed>]
type RunningChain private (loop: Loop, limits: Running voption array, ended: Task<StepOutcome list>) =

    static member internal Start(loop: Loop, steps: BoundedStep<Request> list, token: CancellationToken) =
        let struct (running, results) = Running.startChain loop (Chain.ofBounded steps) token

        // A limit stands behind its step.
        let folder (place, found) (step: BoundedStep<Request>) =
            match step.Limit with
            | ValueSome _ -> place + 2, ValueSome running[place + 1] :: found
            | ValueNone -> place + 1, ValueNone :: found

        let _, limits = List.fold folder (0, []) steps

        let ended =
            task {
                let! results = Chains.results results
                return Chain.ofLimits steps (Chain.outcome results)
            }

        RunningChain(loop, limits |> List.rev |> Array.ofList, ended)

    /// What became of each step, once all have ended.
    member _.Ended = ended

    member internal this.ChangeLimit(step: int, parameter: string, limit: TimeSpan) : Task<bool> =
        let flags = OpFlags.TimeoutChange ||| OpFlags.LinkTimeoutChange
        let about = Uring.timerChange flags parameter limit
        ObjectDisposedException.ThrowIf(loop.IsStopping, this)
        ArgumentOutOfRangeException.ThrowIfNegative(step, nameof step)
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, limits.Length, nameof step)

        match limits[step] with
        | ValueNone -> raise (ArgumentException("This step has no limit.", nameof step))
        | ValueSome _ when not (Features.changesLimits loop.Plan) ->
            raise (Fault.tooOldFor "limits that can be changed" "5.15")
        | ValueSome running ->
            let asked = Running.ask running about

            task {
                let! result = asked
                return RunningTimer.WasChanged result
            }

/// Chains whose limits are changed while they run.
[<RequireQualifiedAccess>]
module RunningChain =

    /// Submits the steps at once, as `Chains.runBounded`. What of them has not ended is cancelled when the program is.
    let start (steps: BoundedStep<Request> list) : Uring<RunningChain> =
        Program.ofScope (fun scope -> ValueTask<_>(RunningChain.Start(scope.Loop, steps, scope.Token)))

    /// Waits for all of it. The outcome has one entry per step.
    let wait (chain: RunningChain) : Uring<StepOutcome list> = uring { return! chain.Ended }

    /// Gives the limit of a step (counted from 0) another time, counted from now (Linux 5.15, PlatformNotSupportedException
    /// before). False when it does not run: the step has ended, or waits for the one before it. man
    /// io_uring_prep_timeout_update(3), IORING_LINK_TIMEOUT_UPDATE.
    let changeLimit (chain: RunningChain) (step: int) (limit: TimeSpan) : Uring<bool> =
        uring { return! chain.ChangeLimit(step, nameof limit, limit) }
