/// Somebody else's epoll by way of the ring.
module Uring.Tests.Linux.EpollTests

open System
open System.IO
open System.Runtime.InteropServices
open System.Threading
open Expecto
open Microsoft.Win32.SafeHandles
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

/// The C library's epoll, which .NET does not show.
module private C =
    [<DllImport "libc">]
    extern int epoll_create1(int flags)

let private makeEpoll () = new SafeFileHandle(nativeint (C.epoll_create1 0o2000000), true)

/// An epoll, one end of a connection as a mere descriptor, and the other end.
let private case name (body: LoopThread -> SafeHandle -> SafeHandle -> Peer -> unit) =
    testCase name (fun () ->
        withLoop (fun host ->
            use epoll = makeEpoll ()
            let struct (ours, theirs) = connectPair host
            use handle = new SafeFileHandle(nativeint ours.Descriptor.Number, false)
            body host epoll handle theirs
            theirs.Dispose()
            (ours :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "close"))

let private fails<'Failure> what (body: unit -> unit) =
    match failureOf body with
    | null -> failtest $"{what}: no failure"
    | reason -> Expect.equal (reason.GetType()) typeof<'Failure> what

[<Tests>]
let tests =
    testSequenced
    <| testList "Epoll" [
        case "tells what is there, with its data" (fun host epoll handle _ ->
            runOn host (Epoll.add epoll handle PollEvents.Writable EpollMode.Level 0x1234_5678_9ABC_DEF0UL)
            let found = runOn host (Epoll.wait epoll 8)
            let expected = { Events = PollEvents.Writable; Data = 0x1234_5678_9ABC_DEF0UL }
            Expect.equal found [| expected |] "events")

        case "waits for what is not there" (fun host epoll handle theirs ->
            runOn host (Epoll.add epoll handle PollEvents.Readable EpollMode.Level 5UL)
            let waiting = startOn host (Epoll.wait epoll 1)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            Expect.isFalse waiting.IsCompleted "waits"
            theirs.Send "x"B |> ignore
            Expect.equal (finish "wait" waiting) [| { Events = PollEvents.Readable; Data = 5UL } |] "events")

        case "no more events than asked for" (fun host epoll handle _ ->
            let struct (other, peer) = connectPair host
            use second = new SafeFileHandle(nativeint other.Descriptor.Number, false)
            runOn host (Epoll.add epoll handle PollEvents.Writable EpollMode.Edge 1UL)
            runOn host (Epoll.add epoll second PollEvents.Writable EpollMode.Edge 2UL)
            let one = runOn host (Epoll.wait epoll 1)
            let two = runOn host (Epoll.wait epoll 1)
            let data = Array.append one two |> Array.map _.Data |> Array.sort
            Expect.equal data [| 1UL; 2UL |] "each once"
            peer.Dispose()
            (other :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "close")

        case "once, until it is changed" (fun host epoll handle _ ->
            runOn host (Epoll.add epoll handle PollEvents.Writable EpollMode.OneShot 1UL)
            Expect.equal (runOn host (Epoll.wait epoll 8)).Length 1 "once"
            let waiting = startOn host (Epoll.wait epoll 8)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            Expect.isFalse waiting.IsCompleted "and no more"
            runOn host (Epoll.change epoll handle PollEvents.Writable EpollMode.OneShot 2UL)
            Expect.equal (finish "wait" waiting) [| { Events = PollEvents.Writable; Data = 2UL } |] "again")

        case "what is there twice, or not at all" (fun host epoll handle _ ->
            let add () = runOn host (Epoll.add epoll handle PollEvents.Readable EpollMode.Level 0UL)
            fails<FileNotFoundException> "remove" (fun () -> runOn host (Epoll.remove epoll handle))

            fails<FileNotFoundException> "change" (fun () ->
                runOn host (Epoll.change epoll handle PollEvents.Readable EpollMode.Level 0UL))

            add ()

            match failureOf add with
            | :? IOException as reason -> Expect.equal reason.HResult 17 "EEXIST"
            | other -> failtest $"{other}"

            runOn host (Epoll.remove epoll handle)
            add ())

        case "a file cannot be waited for, and a socket is no epoll" (fun host epoll handle _ ->
            use file = File.OpenHandle "/etc/passwd"

            fails<UnauthorizedAccessException> "EPERM" (fun () ->
                runOn host (Epoll.add epoll file PollEvents.Readable EpollMode.Level 0UL))

            fails<ArgumentException> "EINVAL" (fun () -> runOn host (Uring.discard (Epoll.wait handle 1)))

            fails<ArgumentOutOfRangeException> "no room" (fun () ->
                runOn host (Uring.discard (Epoll.wait epoll 0))))

        case "cancelled during, and before" (fun host epoll _ _ ->
            use source = new CancellationTokenSource()
            let waiting = Uring.startOn host source.Token (Epoll.wait epoll 1)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            source.Cancel()
            ended "wait" waiting
            Expect.isTrue waiting.IsCanceled "during"
            let late = Uring.startOn host source.Token (Epoll.wait epoll 1)
            ended "wait" late
            Expect.isTrue late.IsCanceled "before")

        case "from C#" (fun _ epoll handle theirs ->
            use ring = new Uring.Ring()
            let facade = Uring.UringEpoll(epoll, ring)
            let done' (operation: Threading.Tasks.ValueTask) = operation.AsTask() |> finished "control"
            done' (facade.AddAsync(handle, Uring.PollEvents.Readable, data = 3UL))
            done' (facade.ChangeAsync(handle, Uring.PollEvents.Readable, Uring.EpollModes.Edge, 4UL))
            let waiting = facade.WaitAsync().AsTask()
            eventually "in flight" (fun () -> ring.InFlight = 1)
            theirs.Send "x"B |> ignore
            let found = finish "wait" waiting
            Expect.equal (found[0].Events, found[0].Data) (Uring.PollEvents.Readable, 4UL) "event"
            done' (facade.RemoveAsync handle)
            use source = new CancellationTokenSource()
            let waiting = facade.WaitAsync(cancellationToken = source.Token).AsTask()
            source.Cancel()
            ended "wait" waiting
            Expect.isTrue waiting.IsCanceled "cancelled")
    ]
