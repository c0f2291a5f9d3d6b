// Waits for any descriptor of the process: one of an event, a timer, a signal, an inotify, another library's socket.
namespace Uring.FSharp

open System.Runtime.InteropServices
open Uring.Driver
open Uring.Model

/// Waiting for descriptors that this library did not open. For its own: `Socket.poll`.
[<RequireQualifiedAccess>]
module Poll =

    /// The number of a descriptor, which stays open until `release`.
    let internal hold (handle: SafeHandle) : int =
        let mutable held = false
        // Raises when it is closed: then there is nothing to release.
        handle.DangerousAddRef &held
        int (handle.DangerousGetHandle())

    let internal request (descriptor: int) (events: PollEvents) : Request =
        Request.bare (Submission.poll descriptor (uint32 events))

    /// Waits until one of the events is there. The result are those that are. The handle is not closed before that,
    /// whoever disposes of it meanwhile. man io_uring_prep_poll_add(3).
    let once (handle: SafeHandle) (events: PollEvents) : Uring<PollEvents> =
        uring {
            let descriptor = hold handle

            try
                let! found = Program.single (request descriptor events)
                return LanguagePrimitives.EnumOfValue(uint32 found)
            finally
                handle.DangerousRelease()
        }

    /// Gives the stream of `Socket.pollMany` other events while it runs (Linux 5.13). What is there of them is told at once.
    /// False when the stream is over. man io_uring_prep_poll_update(3).
    let change (stream: UringStream<PollEvents>) (events: PollEvents) : Uring<bool> =
        uring {
            let running = stream.Stream
            return! PollChange.perform (running.Host :?> Loop) running (uint32 events)
        }
