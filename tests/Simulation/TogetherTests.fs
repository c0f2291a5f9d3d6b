/// A server and its client on machines of their own, in C#'s way.
module Uring.Tests.Simulation.TogetherTests

open System
open System.Net
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Simulation
open Uring.Tests.Simulation.FileWork

let private address = IPEndPoint(IPAddress.Parse "10.0.0.1", 4000)

/// The next five bytes.
let private five (socket: UringSocket) : Task<byte array> =
    task {
        let buffer = Array.zeroCreate<byte> 5
        let mutable filled = 0

        while filled < 5 do
            let! count = socket.ReceiveAsync(buffer.AsMemory filled)
            filled <- filled + count

        return buffer
    }

let private serve () : Task =
    task {
        use! listener = UringListener.ListenAsync(address, 16)
        use! connection = listener.AcceptAsync()
        let! buffer = five connection
        do! connection.SendAllAsync(ReadOnlyMemory(Array.rev buffer))
    }

/// The server may not be there yet.
let rec private connect () : Task<UringSocket> =
    task {
        try
            return! UringSocket.ConnectAsync address
        with :? Sockets.SocketException as reason when
            reason.SocketErrorCode = Sockets.SocketError.ConnectionRefused ->
            do! Ring.Default.DelayAsync(TimeSpan.FromMilliseconds 1.0)
            return! connect ()
    }

let private ask () : Task =
    task {
        use! socket = connect ()
        let remote = socket.RemoteEndPoint
        expect (remote.Equals address) $"connected to {remote}"
        do! socket.SendAllAsync(ReadOnlyMemory "hello"B)
        let! buffer = five socket
        expect (buffer = "olleh"B) "another answer"
    }

[<Tests>]
let tests =
    testCaseTask "Machines on one network: a server and its client, under faults" (fun () ->
        task {
            for seed in 1UL .. 200UL do
                let! report =
                    Simulation.RunTogetherAsync(
                        seed,
                        Faults.Ordinary,
                        struct ("server", "10.0.0.1", Func<Task> serve),
                        struct ("client", "10.0.0.2", Func<Task> ask)
                    )

                if not report.IsGood then failtest (string report)
        })
