/// Leases that are handed on to a send: however it ends, the buffer comes back once, and not too early.
module Uring.Tests.Linux.HandOnTests

open System
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.Receiving

let private big = 1 <<< 20

/// A receiver with a single large buffer, and a second connection to send its leases on.
let private handingOnOf buffers name (body: Receiver -> Uring.FSharp.Socket -> Peer -> unit) =
    testCase name (fun () ->
        withReceiver (BufferPoolOptions.fixedOf buffers big) (fun receiver ->
            let struct (ours, theirs) = connectPair receiver.Host
            body receiver ours theirs
            theirs.Dispose()
            runOn receiver.Host (Socket.close ours)
            allBack receiver.Pool))

let private handingOn name body = handingOnOf 1 name body

[<Tests>]
let tests =
    testSequenced
    <| testList "Hand on" [
        handingOn "all bytes arrive, and the lease is over" (fun receiver ours theirs ->
            let bytes = pattern 1 big
            let lease = bigLease receiver bytes
            let sending = startOn receiver.Host (Socket.sendLease ours lease)
            sameBytes bytes (receiveAll theirs big) "sent"
            finish "the send" sending
            isDisposed "the lease" (fun () -> lease.Length))

        handingOn
            "a peer that is gone: the failure is told, and the buffer comes back"
            (fun receiver ours theirs ->
                theirs.LingerState <- LingerOption(true, 0)
                theirs.Dispose()
                let lease = bigLease receiver (pattern 2 big)

                match failureOf (fun () -> runOn receiver.Host (Socket.sendLease ours lease)) with
                | :? SocketException -> ()
                | other -> failtest $"{other}"

                isDisposed "the lease" (fun () -> lease.Length))

        handingOn "a cancel while it waits for room: the buffer comes back" (fun receiver ours _ ->
            let lease = bigLease receiver (pattern 3 big)
            fill receiver.Host ours |> ignore
            use source = new CancellationTokenSource()
            let sending = Uring.startOn receiver.Host source.Token (Socket.sendLease ours lease)
            eventually "waiting" (fun () -> receiver.Host.Loop.InFlight = 2)
            Expect.equal receiver.Pool.Available 0 "held"
            source.Cancel()
            ended "the send" sending
            Expect.isTrue sending.IsCanceled "cancelled"
            isDisposed "the lease" (fun () -> lease.Length))

        handingOn "a cancel just before it begins: the buffer comes back" (fun receiver ours _ ->
            let lease = leaseOf receiver "abc"B
            let loop = receiver.Host.Loop

            let begun =
                loop.Call(fun () ->
                    let request = SocketRequest.sendPinned ours.Descriptor lease.Length
                    loop.StartPinned(&request, lease.Pass(), CancellationToken true).AsTask())

            ended "the send" (finish "its start" (begun.AsTask()))
            isDisposed "the lease" (fun () -> lease.Length))

        handingOn "a lease that has ended is refused" (fun receiver ours _ ->
            let lease = leaseOf receiver "abc"B
            lease.Dispose()
            isDisposed "send" (fun () -> runOn receiver.Host (Socket.sendLease ours lease)))

        handingOn "the default lease sends nothing" (fun receiver ours _ ->
            runOn receiver.Host (Socket.sendLease ours Unchecked.defaultof<BufferLease>))

        // Disposing of a lease is harmless at any time: here its owner does it (say by `use`) while the send has still
        // some of the bytes to go. Its cell is used again in the very turn in which a part of the send ends.
        handingOnOf
            2
            "a Dispose by its old owner does not send what others receive"
            (fun receiver ours theirs ->
                let bytes = pattern 4 big
                let lease = bigLease receiver bytes
                // Room for a part only: the send goes on in several steps.
                SocketOptions.set ours.Descriptor 1 7 65536 // SOL_SOCKET, SO_SNDBUF
                let sending = startOn receiver.Host (Socket.sendLease ours lease)
                eventually "some of it is sent" (fun () -> theirs.Available > 0)
                runOn receiver.Host Uring.nop |> ignore
                lease.Dispose()
                use holding = new ManualResetEventSlim()
                receiver.Host.Loop.Post((fun _ -> holding.Wait()), null)
                // While the loop looks away: first room for the send, then bytes for another lease.
                let early = receiveAll theirs theirs.Available
                receiver.Peer.Send(Array.create 1000 0xEEuy) |> ignore
                holding.Set()
                let reading = Task.Run(fun () -> receiveAll theirs (big - early.Length))
                ended "the send" sending
                // If it failed, this is all that the peer will get.
                runOn receiver.Host (Socket.shutdown ours SocketShutdown.Send)
                let found = Array.append early (finish "the reader" reading)
                use other = next receiver.Host receiver.Stream
                Expect.equal other.Length 1000 "the other bytes"
                sameBytes bytes[.. found.Length - 1] found "what was sent before it ended"
                Expect.isTrue (sending.IsCompletedSuccessfully = (found.Length = big)) "all, or a failure")
    ]
