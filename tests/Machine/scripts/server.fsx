// A server on the simulated machine, for scripts/echo.fsx to drive: it sends back what comes.
open System
open System.Net
open System.Net.Sockets
open System.Threading.Tasks
open Uring.Tests.Machine

OneMachine.start ()
let listener = new TcpListener(IPAddress.Loopback, 7000)
listener.Start()

let echo (connection: Socket) =
    use connection = connection
    let block = Array.zeroCreate<byte> 65536
    let mutable count = connection.Receive block

    while count > 0 do
        connection.Send(ReadOnlySpan(block, 0, count)) |> ignore
        count <- connection.Receive block

let work () =
    while true do
        let connection = listener.AcceptSocket()

        Task.Factory.StartNew((fun () -> echo connection), TaskCreationOptions.LongRunning) |> ignore

Task.Factory.StartNew(work, TaskCreationOptions.LongRunning) |> ignore
