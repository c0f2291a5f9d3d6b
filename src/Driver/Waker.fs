// Wakes a loop that sleeps in io_uring_enter, from any other thread. The way is chosen by Model/Features.
namespace Uring.Driver

open System
open System.Runtime.InteropServices
open System.Threading
open Uring.Kernel
open Uring.Model

/// Wakes one ring.
[<Sealed>]
type internal Waker(kernel: IKernel, target: Ring, preferred: Wake) =
    let message = Submission.messageRing target.Descriptor (UserData.pack 0u 0u CompletionKind.Wake) 0u

    let gate = obj ()
    let mutable way = preferred
    let mutable ring: Ring | null = null

    /// Errors that pass: the message has not gone, and has to.
    let passes result =
        Errno.isError result
        && (match Errno.ofResult result with
            | Errno.EINTR
            | Errno.EAGAIN
            | Errno.EBUSY
            | Errno.ENOMEM
            | Errno.EOVERFLOW -> true
            // An open set: the ring is gone, or the kernel cannot do this.
            | _ -> false)

    /// One register call, without a ring of our own.
    let sendMessage () =
        let mutable submission = message
        let bytes = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(&submission, 1))
        kernel.Register(-1, RegisterOpcode.SendMessage, bytes, 1u)

    /// A submission on a small ring: until it has been consumed and answered.
    let sendThrough (ring: Ring) =
        ring.TrySubmit &message |> ignore

        while ring.Ready() = 0 do
            ring.Enter(1, -1L) |> ignore

        let result = ring.Completion(0).Result
        ring.Advance 1
        result

    let send () =
        match way with
        | Wake.SendMessage -> sendMessage ()
        | Wake.MessageRing ->
            // Several threads use it one after another, and none after `Close`.
            lock gate (fun () ->
                match ring with
                | null -> 0
                | ring -> sendThrough ring)
        // The loop looks up by itself.
        | Wake.Poll -> 0

    /// A wake that is lost is lost for good: the mark that the loop sleeps is already taken.
    let wake () =
        let mutable result = send ()

        while passes result do
            Thread.Yield() |> ignore
            result <- send ()

        result

    let prepare () =
        match way with
        | Wake.MessageRing ->
            match Setup.createPlain kernel 8 16 with
            | Ok made -> ring <- made
            | Error _ -> way <- Wake.Poll
        | Wake.SendMessage
        | Wake.Poll -> ()

    /// Tries each way until one works. On the loop's thread, once the ring is enabled.
    member _.Choose() =
        prepare ()

        while Errno.isError (wake ()) do
            way <- Features.nextWake { target.Plan with Wake = way }
            prepare ()

    member _.Way = way

    /// How long the loop may sleep, in nanoseconds; negative when somebody will wake it.
    member _.SleepLimit =
        match way with
        | Wake.Poll -> 1_000_000L
        | Wake.SendMessage
        | Wake.MessageRing -> -1L

    /// From any thread. A ring that is gone needs no waking, so the result does not matter.
    member _.Wake() = wake () |> ignore

    member _.Close() =
        lock gate (fun () ->
            match ring with
            | null -> ()
            | made ->
                ring <- null
                made.Close())
