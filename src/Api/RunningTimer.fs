// A timer that is changed and cancelled while it runs.
namespace Uring.FSharp

open System
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// A timer that runs. Disposing of it cancels it and waits for its end.
[<Sealed>]
type RunningTimer private (running: Running, ended: Task<bool>, clock: Clock) =

    /// `timer` counts by `clock`.
    static member internal Start(loop: Loop, timer: Request, clock: Clock, token: CancellationToken) =
        let struct (running, result) = Running.start loop timer token

        let ended =
            task {
                let! result = result

                match Errno.ofResult result with
                | Errno.ETIME -> return true
                | Errno.ECANCELED -> return false
                // An open set: the kernel refuses it.
                | _ -> return raise (Uring.timerFault timer result token)
            }

        RunningTimer(running, ended, clock)

    /// True when its time is over, false when it was cancelled.
    member _.Ended = ended

    /// What it counts by.
    member _.Clock = clock

    member internal _.Change(about: UserData -> Request) : Task<bool> =
        let asked = Running.ask running about

        task {
            let! result = asked
            return RunningTimer.WasChanged result
        }

    /// Counted from now, by its clock.
    member internal this.ChangeBy(parameter: string, span: TimeSpan) : Task<bool> =
        this.Change(Uring.timerChange OpFlags.TimeoutChange parameter span)

    /// Until then, by its clock.
    member internal this.ChangeTo(parameter: string, time: TimeSpan) : Task<bool> =
        this.Change(Uring.timerChange (OpFlags.TimeoutChange ||| OpFlags.TimeoutAbsolute) parameter time)

    /// Raised when a time of another clock is meant.
    member internal this.ChangeUntil(expected: Clock, parameter: string, time: TimeSpan) : Task<bool> =
        ObjectDisposedException.ThrowIf(running.Loop.IsStopping, this)

        if clock <> expected then
            raise (InvalidOperationException "The timer counts by another clock.")

        this.ChangeTo(parameter, time)

    /// What the answer to a change means.
    static member internal WasChanged(result: int) : bool =
        match Errno.ofResult result with
        | _ when result >= 0 -> true
        | Errno.ENOENT
        | Errno.EALREADY
        | Errno.EBUSY -> false
        // An open set: no timer can be changed here.
        | _ -> raise (Fault.ofResult Opcode.TimeoutRemove null result CancellationToken.None)

    member internal _.Cancel() : Task<bool> = Running.cancel running

    interface IAsyncDisposable with
        member this.DisposeAsync() =
            ValueTask(
                task {
                    if not ended.IsCompleted then
                        let! _ = this.Cancel()
                        let! _ = ended
                        ()
                }
            )

/// Timers that are changed while they run.
[<RequireQualifiedAccess>]
module RunningTimer =

    let private starting timer clock : Uring<RunningTimer> =
        Program.ofScope (fun scope -> ValueTask<_>(RunningTimer.Start(scope.Loop, timer, clock, scope.Token)))

    /// Starts a timer, which is cancelled when the program is. Dispose of it with `use!`: else it runs on after the program.
    let start (span: TimeSpan) : Uring<RunningTimer> = starting (Uring.timer span) Clock.Monotonic

    /// As `start`, by another clock (Linux 5.15: before, waiting for it raises PlatformNotSupportedException).
    let startBy (clock: Clock) (span: TimeSpan) : Uring<RunningTimer> =
        starting (Uring.timerBy clock span) clock

    /// Starts a timer that ends when a clock shows `time`, counted from where the clock starts: at once when that is past.
    let startAt (clock: Clock) (time: TimeSpan) : Uring<RunningTimer> =
        starting (Uring.deadline clock time) clock

    /// Starts a timer that ends at this time of day (Linux 5.15): when the clock is set, by the new time.
    let startUntil (time: DateTimeOffset) : Uring<RunningTimer> = starting (Uring.alarm time) Clock.RealTime

    /// Waits for its end: true when its time is over, false when it was cancelled.
    let wait (timer: RunningTimer) : Uring<bool> = uring { return! timer.Ended }

    /// Gives it another time, counted from now by the clock that it has (Linux 5.11). False when it had ended: then nothing
    /// changes. man io_uring_prep_timeout_update(3).
    let change (timer: RunningTimer) (span: TimeSpan) : Uring<bool> =
        uring { return! timer.ChangeBy(nameof span, span) }

    /// As `change`, until its clock shows `time`: at once when that is past.
    let changeTo (timer: RunningTimer) (time: TimeSpan) : Uring<bool> =
        uring { return! timer.ChangeTo(nameof time, time) }

    /// As `change`, until this time of day, of a timer by `Clock.RealTime`: InvalidOperationException of another.
    let changeUntil (timer: RunningTimer) (time: DateTimeOffset) : Uring<bool> =
        uring { return! timer.ChangeUntil(Clock.RealTime, nameof time, Uring.sinceEpoch time) }

    /// Ends it. False when it had ended, or was cancelled before.
    let cancel (timer: RunningTimer) : Uring<bool> = uring { return! timer.Cancel() }
