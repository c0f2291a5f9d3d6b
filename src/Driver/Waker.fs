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

    /// One register call, without a ring of our own.
    let sendMessage () =
        let mutable submission = message
        let bytes = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(&submission, 1))
        kernel.Register(-1, RegisterOpcode.SendMessage, bytes, 1u)

    /// A submission on a small ring, which several threads use one after another.
    let messageThrough (ring: Ring) =
        lock gate (fun () ->
            ring.TrySubmit &message |> ignore
            ring.Enter(1, -1L) |> ignore
            let count = ring.Ready()
            let result = if count = 0 then 0 else ring.Completion(0).Result
            ring.Advance count
            result)

    let wake () =
        match way with
        | Wake.SendMessage -> sendMessage ()
        | Wake.MessageRing ->
            match ring with
            | null -> 0
            | ring -> messageThrough ring
        // The loop looks up by itself.
        | Wake.Poll -> 0

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
