// Direct descriptors from ring to ring. Decides what becomes of the one that is handed on.
namespace Uring.FSharp

open System
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

[<RequireQualifiedAccess>]
module internal Moving =

    /// From its home. The slot is the target's from now on, and the one here is free.
    let perform (target: Loop) (socket: FileDescriptor) (token: CancellationToken) : Task<FileDescriptor> =
        let home = socket.Home :?> Loop

        if not socket.IsDirect then
            raise (
                InvalidOperationException
                    "Only a direct descriptor belongs to a ring: this one belongs to the process."
            )

        if obj.ReferenceEquals(home, target) then
            raise (ArgumentException("The socket is on this ring already.", nameof target))

        let request = {
            Request.bare (Submission.sendDirect (Sending.number target) socket.Number) with
                Other = socket
        }

        let sending = Sending.perform home target request token

        task {
            let! result = sending

            match Errno.ofResult result with
            | _ when result >= 0 ->
                let arrived = target.OwnDirect result
                let! _ = home.CloseDescriptor socket
                return arrived
            | Errno.ENFILE -> return raise (Fault.ofSocketCall "MSG_RING" result)
            // An open set: cancelled, closed, a kernel without it.
            | _ -> return raise (Fault.ofResult Opcode.MessageRing socket.Name result token)
        }
