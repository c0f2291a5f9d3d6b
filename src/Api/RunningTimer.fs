// A timer that is changed and cancelled while it runs.
namespace Uring.FSharp

open System
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// A timer that runs. Disposing of it cancels it and waits for its end.
[<Sealed>]
type RunningTimer private (running: Running, ended: Task<bool>) =

    static member internal Start(loop: Loop, span: TimeSpan, token: CancellationToken) : RunningTimer =
        let timer = Uring.timer span
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

        RunningTimer(running, ended)

    /// True when its time is over, false when it was cancelled.
    member _.Ended = ended

    member internal _.Change(span: TimeSpan) : Task<bool> =
        let asked = Running.ask running (Uring.timerChange OpFlags.TimeoutChange span)

        task {
            let! result = asked

            match Errno.ofResult result with
            | _ when result >= 0 -> return true
            | Errno.ENOENT
            | Errno.EALREADY
            | Errno.EBUSY -> return false
            // An open set: no timer can be changed here.
            | _ -> return raise (Fault.ofResult Opcode.TimeoutRemove null result CancellationToken.None)
        }

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

    /// Starts a timer, which ends with the program's scope at the latest.
    let start (span: TimeSpan) : Uring<RunningTimer> =
        Program.ofScope (fun scope -> ValueTask<_>(RunningTimer.Start(scope.Loop, span, scope.Token)))

    /// Waits for its end: true when its time is over, false when it was cancelled.
    let wait (timer: RunningTimer) : Uring<bool> = uring { return! timer.Ended }

    /// Gives it another time, counted from now (Linux 5.11). False when it had ended: then nothing changes.
    /// man io_uring_prep_timeout_update(3).
    let change (timer: RunningTimer) (span: TimeSpan) : Uring<bool> = uring { return! timer.Change span }

    /// Ends it. False when it had ended, or was cancelled before.
    let cancel (timer: RunningTimer) : Uring<bool> = uring { return! timer.Cancel() }
