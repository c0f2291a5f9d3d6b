// Clients of scripts/echo.fsx on the simulated machine: each sends random bytes, finishes, and expects them and then the end.
open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading.Tasks
open Uring.Tests.Machine

OneMachine.start ()
let server = IPEndPoint(IPAddress.Loopback, 7000)

/// The server is about to listen.
let rec connected () =
    let socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

    try
        socket.Connect server
        socket
    with :? SocketException as reason when reason.SocketErrorCode = SocketError.ConnectionRefused ->
        socket.Dispose()
        Task.Delay(10).Wait()
        connected ()

let converse (seed: int) =
    let random = Random seed
    use socket = connected ()
    let sent = Array.zeroCreate<byte>(random.Next(1, 300_000))
    random.NextBytes sent

    let sending =
        Task.Factory.StartNew(
            (fun () ->
                socket.Send sent |> ignore
                socket.Shutdown SocketShutdown.Send),
            TaskCreationOptions.LongRunning
        )

    let received = new MemoryStream()
    let block = Array.zeroCreate<byte> 65536
    let mutable count = socket.Receive block

    while count > 0 do
        received.Write(block, 0, count)
        count <- socket.Receive block

    sending.Wait()
    if received.ToArray() <> sent then printfn $"client {seed} got other bytes"
    sent.Length

let clients = 40

let work () =
    let conversations = [|
        for seed in 1..clients ->
            Task.Factory.StartNew((fun () -> converse seed), TaskCreationOptions.LongRunning)
    |]

    let bytes = conversations |> Array.sumBy _.Result
    OneMachine.violations () |> List.iter (printfn "rule broken: %s")
    printfn $"{clients} connections, {bytes} bytes came back"

Task.Factory.StartNew(work, TaskCreationOptions.LongRunning) |> ignore
