// Waits for any descriptor of the process: one of an event, a timer, a signal, an inotify, another library's socket.
namespace Uring.FSharp

open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
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

    /// Of a descriptor of ours: once.
    let internal on (descriptor: FileDescriptor) (events: PollEvents) : Request =
        Submission.poll descriptor.Number (uint32 events) |> Request.on descriptor

    /// Of a descriptor of ours: again and again.
    let internal manyOn (descriptor: FileDescriptor) (events: PollEvents) : StreamRequest = {
        Multishot =
            Submission.pollMultishot descriptor.Number (uint32 events)
            |> Request.on descriptor
            |> Request.multishot
        Single = ValueSome(on descriptor events)
        Source = Source.Events
        Pool = null
        Discard = null
    }

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

    /// Holds the handle, which whoever leaves the stream releases.
    let internal openMany (loop: Loop) (handle: SafeHandle) (events: PollEvents) (token: CancellationToken) =
        let descriptor = hold handle

        try
            loop.Open(manyOn (loop.Borrow descriptor) events, token)
        with _ ->
            handle.DangerousRelease()
            reraise ()

    /// Tells of events again and again (one submission from Linux 5.13 on): `for events in stream do` in `uring { }`. The handle
    /// is not closed before the stream is disposed of, whoever disposes of it meanwhile. What the consumer has not taken
    /// is united with what comes. man io_uring_prep_poll_multishot(3).
    let many (handle: SafeHandle) (events: PollEvents) : Uring<UringStream<PollEvents>> =
        Program.ofScope (fun scope ->
            let stream = openMany scope.Loop handle events scope.Token
            let isHeld = ref 1

            let leave () =
                ValueTask(
                    task {
                        do! stream.Abandon()

                        if Interlocked.Exchange(&isHeld.contents, 0) = 1 then handle.DangerousRelease()
                    }
                )

            ValueTask<_>(
                UringStream(
                    {
                        Next = stream.MoveNext
                        Take = fun () -> LanguagePrimitives.EnumOfValue(uint32 (stream.Take().Result))
                        Leave = leave
                    },
                    stream
                )
            ))

    /// Gives the stream of `many`, `Socket.pollMany` or `File.pollMany` other events while it runs (Linux 5.13). What is there of them is told at once.
    /// False when the stream is over. man io_uring_prep_poll_update(3).
    let change (stream: UringStream<PollEvents>) (events: PollEvents) : Uring<bool> =
        uring {
            let running = nonNull stream.Stream
            return! PollChange.perform (running.Host :?> Loop) running (uint32 events)
        }
