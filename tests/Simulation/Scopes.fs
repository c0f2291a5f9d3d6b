/// Small programs in every way in which they can go: up to four operations on a connection, one of which is cancelled at
/// any moment, or whose socket is closed at any moment, while every transfer comes short in every way.
module Uring.Tests.Simulation.Scopes

open System
open System.Collections.Generic
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.FSharp
open Uring.Simulation
open Uring.Simulation.Running
open Uring.Simulation.World
open Uring.Tests.Simulation.FileWork

/// One operation of a program.
type Act =
    /// Two bytes to the other side, of a value of their own.
    | Send
    /// Up to three bytes from there.
    | Receive
    /// A stream from there: its first piece.
    | Stream
    /// Its time comes while the others are at work.
    | Pause

/// A program: what it starts, which of that it cancels, and whether it closes the receiving socket.
type Scope = { Acts: Act list; Cancels: int option; Closes: bool }

/// Two connected sockets, made without an operation: there is nothing to explore in that.
let private pair (loop: Loop) =
    match Hosting.Current with
    | :? SimulatedHosting as hosting ->
        let machine = hosting.Machine

        match Sockets.pair machine.World.Network machine.Host 1 with
        | Ok struct (one, other) ->
            let own (file: SocketFile) =
                Socket(loop, loop.Own(machine.Descriptors.Add file), AddressFamily.Unix)

            struct (own one, own other)
        | Error errno -> raise (InvalidOperationException $"No sockets: {errno}.")
    | _ -> raise (InvalidOperationException "Nothing is simulated here.")

let private settled (running: Task) : Task<unit> =
    let quietly = ConfigureAwaitOptions.SuppressThrowing ||| ConfigureAwaitOptions.ContinueOnCapturedContext

    task { do! running.ConfigureAwait quietly }

/// Waits for its end, which is good: by itself, cancelled, or because its socket was closed. Without an exception on the
/// way: these cost more than all the rest of a run.
let private ended (scope: Scope) (running: Task) : Uring<unit> =
    uring {
        do! Program.ofScope (fun _ -> ValueTask<unit>(settled running))

        match Option.ofObj running.Exception with
        | None -> ()
        | Some reason ->
            match reason.InnerException with
            | :? ObjectDisposedException
            | :? SocketException when scope.Closes -> ()
            | inner -> return raise (nonNull inner)
    }

/// The result of one operation: an error is a number.
let private start (loop: Loop) (request: Request) (token: CancellationToken) (heard: int -> unit) : Task =
    task {
        let mutable request = request
        let! result = loop.TryStart(&request, token)
        heard result
    }

let program (scope: Scope) : Uring<unit> =
    uring {
        let! loop = Uring.loop
        let struct (sender, receiver) = pair loop
        let sent = Array.zeroCreate<int> 8
        let received = Array.zeroCreate<int> 8
        use source = new CancellationTokenSource()

        let count (bytes: ReadOnlyMemory<byte>) =
            for value in bytes.ToArray() do
                received[int value] <- received[int value] + 1

        let act index kind (token: CancellationToken) : Task =
            match kind with
            | Send ->
                let bytes = ReadOnlyMemory(Array.create 2 (byte index))

                start loop (SocketRequest.send sender.Descriptor bytes) token (fun result ->
                    sent[index] <- max 0 result)
            | Receive ->
                let buffer = Array.zeroCreate<byte> 3

                start loop (SocketRequest.receive receiver.Descriptor (Memory buffer)) token (fun result ->
                    count (ReadOnlyMemory(buffer, 0, max 0 result)))
            | Stream ->
                Concurrent.within loop token (fun inner ->
                    (uring {
                        let! pool = BufferPool.create (BufferPoolOptions.fixedOf 2 16)
                        let! stream = Socket.receiveMany receiver pool
                        let! more = UringStream.next stream

                        if more then
                            use lease = stream.Current
                            count (ReadOnlyMemory(lease.Memory.ToArray()))

                        do! (stream :> IAsyncDisposable).DisposeAsync()
                        do! BufferPool.close pool
                    })
                        .Start(inner)
                        .AsTask())
            | Pause -> start loop (Uring.timer (TimeSpan.FromMicroseconds 1.0)) token ignore

        let running = List<struct (Act * Task)>()
        let mutable cancels = scope.Cancels.IsSome
        let mutable closes = scope.Closes
        let mutable closing = Task.CompletedTask

        let cancel () =
            cancels <- false
            source.Cancel()

        let close () =
            closes <- false
            closing <- (receiver :> IAsyncDisposable).DisposeAsync().AsTask()

        /// Before, between and after the operations; at once, or a turn later.
        let moment: Uring<unit> =
            uring {
                if Simulation.choose 2 = 1 then do! Uring.discard Uring.nop

                if cancels && Simulation.choose 2 = 1 then cancel ()

                if closes && Simulation.choose 2 = 1 then close ()
            }

        for index, kind in List.indexed scope.Acts do
            let token = if scope.Cancels = Some index then source.Token else CancellationToken.None
            running.Add(struct (kind, act index kind token))
            do! moment

        if cancels then cancel ()

        if closes then close ()

        for struct (kind, task) in running do
            if kind = Send then do! ended scope task

        // Whoever still waits for bytes finds the end.
        do! Socket.close sender

        for struct (kind, task) in running do
            if kind <> Send then do! ended scope task

        if scope.Closes then
            do! Foreign.ofTask closing
        else
            let buffer = Array.zeroCreate<byte> 16
            let mutable more = true

            while more do
                let! length = Socket.receive receiver (Memory buffer)
                count (ReadOnlyMemory(buffer, 0, length))
                more <- length > 0

            do! Socket.close receiver

        // What a stream had received when it was left is nobody's.
        let mayLose = scope.Closes || List.contains Stream scope.Acts

        for index in 0 .. sent.Length - 1 do
            let holds = received[index] = sent[index] || (mayLose && received[index] < sent[index])
            expect holds $"operation {index} sent {sent[index]} bytes, and {received[index]} came"
    }

let private options = {
    SimulationOptions.ofSeed
        0UL
        (Faults.none
         |> Faults.withRate Fault.Shortened 1.0
         |> Faults.withRate Fault.Reordered 1.0
         |> Faults.withRate Fault.CancelledLate 1.0) with
        Loop = { Uring.Driver.LoopOptions.standard with Entries = 8; Completions = 16 }
}

/// Every way in which one of these programs can go, with up to two transfers that come short or cancels that come late;
/// with one, where there are four operations: that is a minute's work.
let explore (scope: Scope) : Exploration<unit> =
    let faults = if scope.Acts.Length < 4 then 2 else 1
    Simulation.explore 1_000_000 faults options (program scope)

/// All of them with so many operations.
let all (operations: int) : Scope list =
    let rec sequences count =
        if count = 0 then
            [ [] ]
        else
            [
                for rest in sequences (count - 1) do
                    for act in [ Send; Receive; Stream; Pause ] do
                        act :: rest
            ]

    [
        for acts in sequences operations do
            for cancels in None :: List.init operations Some do
                for closes in [ false; true ] do
                    { Acts = acts; Cancels = cancels; Closes = closes }
    ]

/// What all programs with up to so many operations come to: programs, ways in which they went, and the first that failed.
let exploreAll (operations: int) : struct (int * int64 * (Scope * Report<unit>) option) =
    let scopes = [|
        for count in 1..operations do
            yield! all count
    |]

    let explorations = scopes |> Array.Parallel.map (fun scope -> struct (scope, explore scope))

    let runs = explorations |> Array.sumBy (fun (struct (_, exploration)) -> int64 exploration.Runs)

    let failure =
        explorations
        |> Array.tryPick (fun (struct (scope, exploration)) ->
            exploration.Failure |> Option.map (fun report -> scope, report))

    struct (scopes.Length, runs, failure)
