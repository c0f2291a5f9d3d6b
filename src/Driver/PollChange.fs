// Gives a running poll other events. Between two armings there is nothing in the kernel to change: the next one has them.
namespace Uring.Driver

open System.Threading
open System.Threading.Tasks
open Uring.Model

[<RequireQualifiedAccess>]
module internal PollChange =

    /// Where a stream's request is kept, and so what it is armed with from now on.
    let private keep (stream: Stream) (events: uint32) =
        stream.Request <- {
            stream.Request with
                Submission = { stream.Request.Submission with OpFlags = events }
        }

    let private ask (loop: Loop) (stream: Stream) (events: uint32) : ValueTask<int> =
        let request = Request.bare (Submission.changePoll stream.UserData events)

        if loop.Flights.IsLive stream.UserData then
            loop.TryStart(&request, CancellationToken.None)
        else
            ValueTask<int> 0

    /// From any thread. False when the poll is over. Behind what was handed over before, the poll itself.
    let perform (loop: Loop) (stream: Stream) (events: uint32) : Task<bool> =
        let rec again () : Task<bool> =
            task {
                let work =
                    CallWork<ValueTask<int>>(fun () ->
                        keep stream events
                        ask loop stream events)

                (loop :> IHost).HandOver work
                let! answer = work.Ended
                let! result = answer

                match Errno.ofResult result with
                | _ when stream.HasEnded -> return false
                | _ when result >= 0 -> return true
                // It has just ended, to begin again with the new events.
                | Errno.ENOENT -> return true
                // It tells of something now; then it can be changed.
                | Errno.EALREADY -> return! again ()
                // An open set: no poll can be changed here.
                | _ -> return raise (Fault.ofResult Opcode.PollRemove null result CancellationToken.None)
            }

        again ()
