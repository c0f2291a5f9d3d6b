/// Every error that a program has to expect of an operation, whether this machine can be brought to it or not: the kernel is told
/// of a NOP with that result in its place. What a program is told then, in F# and in C#, what goes on, and that nothing is
/// lost: descriptors, buffers, operations.
module Uring.Tests.Linux.InjectedErrorTests

open System
open System.IO
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.OlderKernelTests

/// What the real kernel cannot be brought to here, one request, one error: no test but these has met it.
let table: (Opcode * Errno) list = [
    Opcode.SendMessage, Errno.ENOMEM
    Opcode.ReceiveMessage, Errno.ENOMEM
    Opcode.Accept, Errno.ECONNABORTED
    Opcode.Send, Errno.ENOMEM
    Opcode.Receive, Errno.ENOMEM
    Opcode.Socket, Errno.ENOBUFS
    Opcode.SendZeroCopy, Errno.ENOBUFS
]

/// The first submission of this opcode fails; how many have.
let private failing (opcode: Opcode) answer : struct (FaultyKernel * (unit -> int)) =
    let kernel = FaultyKernel()
    let mutable failed = 0

    kernel.OnSubmit <-
        fun submitted ->
            if submitted = opcode && Interlocked.CompareExchange(&failed, 1, 0) = 0 then
                answer
            else
                Answer.Real

    struct (kernel, (fun () -> Volatile.Read &failed))

/// It is the exception that this error has to be.
let private isFault (opcode: Opcode) (errno: Errno) (failure: exn | null) =
    let isSocket = Catalogue.isOfSocket true opcode

    match Fault.ofResultOn isSocket opcode null (Errno.toResult errno) CancellationToken.None, failure with
    | (:? SocketException as expected), (:? SocketException as reason) ->
        Expect.equal reason.SocketErrorCode expected.SocketErrorCode $"{errno}: {reason.Message}"
        Expect.stringContains reason.Message (string errno) "named"
    | :? IOException, (:? IOException as reason) ->
        Expect.equal reason.HResult (int errno) $"{errno}: {reason.Message}"
    | expected, reason ->
        failtest $"{opcode}, {errno}: {expected.GetType().Name} was expected, and {reason} came"

/// A stream goes on where its source can give more: laws 2 and 3 of Model/Multishot.fs.
let private goesOn (opcode: Opcode) (errno: Errno) (name: string) =
    match opcode, errno with
    | Opcode.Receive, Errno.ENOBUFS -> name = "receive many" || name = "ReceiveAllAsync"
    | Opcode.Accept, Errno.ECONNABORTED -> name.StartsWith "many" || name = "AcceptAllAsync"
    | _ -> false

/// Runs it on a kernel that fails once, and says whether it did.
let private meets (opcode: Opcode) (errno: Errno) (name: string) (run: Bench -> unit) : bool =
    let struct (kernel, failed) = failing opcode (Answer.Before errno)

    withBench kernel (fun bench ->
        let failure = failureOf (fun () -> run bench)

        if failed () = 0 || goesOn opcode errno name then
            Expect.isNull failure name
        else
            isFault opcode errno failure

        Expect.equal (attempt bench.Host nop) 0 "the ring goes on"
        eventually "nothing is left" (fun () -> bench.Host.Loop.InFlight = 0))

    Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) $"{name}: rings, maps, strays"
    failed () = 1

let private pairs = [
    for row in Catalogue.rows do
        for errno in row.Errors do
            row, errno
]

let private core =
    testList "F#" [
        for row, errno in pairs do
            testCaseTask $"{row.Name}: {errno}" (fun () ->
                Observe.leavesNothingOpen (fun () ->
                    task {
                        let met =
                            usesOf row.Opcode
                            |> List.filter (fun one ->
                                meets row.Opcode errno one.Name (fun bench ->
                                    runOn bench.Host (one.Program bench)))

                        Expect.isNonEmpty met "some program submits it"
                    }))
    ]

let private bytes = ReadOnlyMemory "text"B
let private memory () = Memory(Array.zeroCreate<byte> 16)
let private never = Timeout.InfiniteTimeSpan

let private closed (making: ValueTask<'T>) : Task when 'T :> IAsyncDisposable =
    task {
        let! made = making
        do! made.DisposeAsync()
    }

let private whole (send: Uring.ZeroCopySend) : Task =
    task {
        try
            let! _ = send.Sent
            ()
        finally
            // Whatever became of it.
            finished "Released" send.Released
    }

let private socketOf (bench: Bench) = new Uring.UringSocket(bench.Host.Loop, bench.Socket.Descriptor, null)

let private listenerOf (bench: Bench) = new Uring.UringListener(bench.Host.Loop, bench.Listener.Descriptor)

let private fileOf (bench: Bench) =
    new Uring.UringFile(bench.Host.Loop, bench.File.Descriptor, "file", FileAccess.ReadWrite)

/// Members of the facade that submit an operation.
let private facade: (Opcode * string * (Bench -> Task)) list = [
    Opcode.Send, "SendAsync", (fun b -> (socketOf b).SendAsync(bytes).AsTask())
    Opcode.Send, "SendAllAsync", (fun b -> (socketOf b).SendAllAsync(bytes).AsTask())
    Opcode.Receive, "ReceiveAsync", (fun b -> (socketOf b).ReceiveAsync(memory ()).AsTask())
    Opcode.Receive,
    "ReceiveAllAsync",
    (fun b ->
        task {
            let leases = (socketOf b).ReceiveAllAsync().GetAsyncEnumerator()
            let! _ = leases.MoveNextAsync()
            leases.Current.Dispose()
            do! leases.DisposeAsync()
        })
    Opcode.SendMessage,
    "SendToAsync",
    (fun b -> (socketOf b).SendToAsync(bytes, (listenerOf b).LocalEndPoint).AsTask())
    Opcode.ReceiveMessage, "ReceiveFromAsync", (fun b -> (socketOf b).ReceiveFromAsync(memory ()).AsTask())
    Opcode.SendZeroCopy, "SendZeroCopy", (fun b -> whole ((socketOf b).SendZeroCopy(bytes, never)))
    Opcode.SendMessageZeroCopy,
    "SendMessageZeroCopy",
    (fun b -> whole ((socketOf b).SendMessageZeroCopy([| bytes; bytes |], null, never)))
    Opcode.Accept, "AcceptAsync", (fun b -> closed ((listenerOf b).AcceptAsync()))
    Opcode.Accept,
    "AcceptAllAsync",
    (fun b ->
        task {
            let connections = (listenerOf b).AcceptAllAsync().GetAsyncEnumerator()
            let! _ = connections.MoveNextAsync()
            do! connections.Current.DisposeAsync()
            do! connections.DisposeAsync()
        })
    Opcode.Socket,
    "CreateAsync",
    (fun _ -> closed (Uring.UringSocket.CreateAsync(AddressFamily.InterNetwork, SocketType.Stream)))
    Opcode.Connect,
    "ConnectAsync",
    (fun b -> closed (Uring.UringSocket.ConnectAsync((listenerOf b).LocalEndPoint)))
    Opcode.OpenAt, "OpenAsync", (fun b -> closed (Uring.UringFile.OpenAsync(at b.Folder "file")))
    Opcode.Read, "ReadAsync", (fun b -> (fileOf b).ReadAsync(memory (), 0L).AsTask())
    Opcode.Write, "WriteAsync", (fun b -> (fileOf b).WriteAsync(bytes, 0L).AsTask())
    Opcode.Sync, "FlushAsync", (fun b -> (fileOf b).FlushAsync().AsTask())
    Opcode.Allocate, "AllocateAsync", (fun b -> (fileOf b).AllocateAsync(0L, 10L).AsTask())
    Opcode.Truncate, "SetLengthAsync", (fun b -> (fileOf b).SetLengthAsync(10L).AsTask())
    Opcode.Status, "GetLengthAsync", (fun b -> (fileOf b).GetLengthAsync().AsTask())
]

let private csharp =
    testList "C#" [
        for opcode, name, start in facade do
            let row = Catalogue.rows |> List.find (fun row -> row.Opcode = opcode)

            for errno in row.Errors do
                testCaseTask $"{name}: {errno}" (fun () ->
                    Observe.leavesNothingOpen (fun () ->
                        task {
                            let met =
                                meets opcode errno name (fun bench ->
                                    // On its thread, so that what names no ring is its.
                                    runOn bench.Host (uring { do! start bench }))

                            Expect.isTrue met "submitted"
                        }))
    ]

let private buffers =
    testList "buffers" [
        testCase "a stream of bytes that fails gives all of them back" (fun () ->
            let struct (kernel, _) = failing Opcode.Receive (Answer.Before Errno.ENOMEM)

            withLoopOf kernel LoopOptions.standard (fun host ->
                let pool = runOn host (BufferPool.create (BufferPoolOptions.fixedOf 4 64))
                let receiver = Receiving.receiver host pool
                let failure = failureOf (fun () -> Receiving.next host receiver.Stream)
                isFault Opcode.Receive Errno.ENOMEM failure
                Receiving.allBack pool
                Receiving.drop receiver
                // The pool and the ring are as good as ever.
                let receiver = Receiving.receiver host pool
                (Receiving.leaseOf receiver "abc"B).Dispose()
                Receiving.allBack pool
                Receiving.drop receiver))

        for opcode in [ Opcode.SendZeroCopy; Opcode.SendMessageZeroCopy ] do
            for errno in [ Errno.ENOMEM; Errno.ENOBUFS ] do
                testCase
                    $"{opcode}, {errno} with a notification behind it: the memory is free once it has come"
                    (fun () ->
                        // It happens, and says it has failed.
                        let struct (kernel, failed) = failing opcode (Answer.After errno)

                        withLoopOf kernel LoopOptions.standard (fun host ->
                            let struct (ours, theirs) = connectPair host

                            let send =
                                match opcode with
                                | Opcode.SendZeroCopy -> runOn host (Socket.sendZeroCopy never ours bytes)
                                | _ ->
                                    runOn
                                        host
                                        (SocketMessages.sendZeroCopy
                                            never
                                            ours
                                            [| bytes |]
                                            MessageExtras.none)

                            isFault opcode errno (failureOf (fun () -> finish "Sent" send.Sent))
                            finished "Released" send.Released
                            Expect.equal (failed ()) 1 "it failed"
                            eventually "nothing is left" (fun () -> host.Loop.InFlight = 0)
                            theirs.Dispose()
                            runOn host (Socket.close ours)))
    ]

[<Tests>]
let tests = testSequenced <| testList "InjectedError" [ core; csharp; buffers ]
