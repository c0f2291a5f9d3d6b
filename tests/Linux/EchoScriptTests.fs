/// scripts/echo.fsx as its users start it, driven by sockets of the BCL, which share no code with ours.
module Uring.Tests.Linux.EchoScriptTests

open System
open System.Diagnostics
open System.IO
open System.Net
open System.Net.Sockets
open System.Runtime.InteropServices
open System.Text.RegularExpressions
open System.Threading
open System.Threading.Tasks
open Expecto

let private limit = TimeSpan.FromSeconds 60.0

[<DllImport("libc", SetLastError = true)>]
extern int private kill(int pid, int signal)

/// In a process group of its own, which a terminal's Ctrl-C would reach as a whole: `dotnet` starts a child for fsi.
/// And not deaf to it: who is started in the background ignores SIGINT, and hands that down.
let startScript (script: string) (folder: string) (arguments: string list) : Process =
    Sdk.start folder "setsid" ([ "env"; "--default-signal=INT"; Sdk.dotnet; "fsi"; script; "--" ] @ arguments)

let private start = startScript "echo.fsx"

/// Ctrl-C: its exit code, what it prints from now on, and its errors.
let interrupt (server: Process) : Task<struct (int * string * string)> =
    Expect.equal (kill (-server.Id, 2)) 0 "SIGINT"
    Sdk.ended limit server

let lineOf (reader: StreamReader) : Task<string> =
    task {
        let! line = reader.ReadLineAsync().WaitAsync limit
        return line |> Option.ofObj |> Option.defaultValue "<end of output>"
    }

let private ended (server: Process) = Sdk.ended limit server

/// Sends messages of random lengths, finishes, and expects every byte and then the end.
let private converse (port: int) (seed: int) : Task<int64> =
    task {
        let random = Random seed
        use client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        do! client.ConnectAsync(IPEndPoint(IPAddress.Loopback, port))
        use incoming = new NetworkStream(client)
        let received = new MemoryStream()
        let sent = Array.zeroCreate<byte>(random.Next(1, 300_000))
        random.NextBytes sent

        let sending =
            task {
                let mutable rest = ReadOnlyMemory sent

                while rest.Length > 0 do
                    let! count = client.SendAsync(rest.Slice(0, min rest.Length (random.Next(1, 100_000))))
                    rest <- rest.Slice count

                client.Shutdown SocketShutdown.Send
            }

        do! incoming.CopyToAsync(received).WaitAsync limit
        do! sending
        Expect.isTrue (received.ToArray().AsSpan().SequenceEqual sent) $"every byte of client {seed}"
        return int64 sent.Length
    }

let conversations (port: int) (count: int) : Task<int64> =
    task {
        let! sizes = Task.WhenAll [ for seed in 1..count -> converse port seed ]
        return Array.sum sizes
    }

/// Lends a server to `body`, and interrupts it: the last line of its output counts what it served.
let private withServer (body: Process -> int -> Task<struct (int * int64)>) : Task<unit> =
    Observe.inFolder (fun folder ->
        task {
            Sdk.copyScripts folder [ "echo.fsx"; "drive.fsx"; "shared.fsx" ]
            use server = start folder [ "--port"; "0" ]

            try
                let! line = lineOf server.StandardOutput
                let port = Regex.Match(line, "^listening on 127\\.0\\.0\\.1:(\\d+)$")
                Expect.isTrue port.Success line
                let! struct (served, echoed) = body server (int port.Groups[1].Value)
                let clock = Stopwatch.StartNew()
                let! struct (exitCode, output, errors) = interrupt server
                Expect.equal errors "" "errors"
                Expect.equal exitCode 0 "exit code"
                Expect.isLessThan clock.Elapsed (TimeSpan.FromSeconds 5.0) "time to end"
                // Of a conversation that was cut off nobody knows how far it came.
                if echoed >= 0L then
                    Expect.equal output $"{served} connections served, {echoed} bytes echoed" "summary"
                else
                    Expect.stringStarts output $"{served} connections served, " "summary"
            finally
                if not server.HasExited then server.Kill true
        })

[<Tests>]
let tests =
    testSequenced
    <| testList "echo.fsx" [
        testCaseTask "returns every byte to 1, 64 and 512 clients" (fun () ->
            withServer (fun _ port ->
                task {
                    let! one = conversations port 1
                    let! several = conversations port 64
                    let! many = conversations port 512
                    return struct (1 + 64 + 512, one + several + many)
                }))

        testCaseTask "ends when interrupted while 64 clients stream" (fun () ->
            withServer (fun _ port ->
                task {
                    let heard = new CountdownEvent(64)

                    let stream () =
                        task {
                            use client =
                                new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

                            client.Connect(IPEndPoint(IPAddress.Loopback, port))
                            let block = Array.zeroCreate<byte> 16_384
                            let! _ = client.SendAsync(ReadOnlyMemory block)
                            let! first = client.ReceiveAsync(Memory block)
                            heard.Signal() |> ignore
                            let mutable count = first

                            // Until the server is gone.
                            while count > 0 do
                                let! _ = client.SendAsync(ReadOnlyMemory(block, 0, count))
                                let! received = client.ReceiveAsync(Memory block)
                                count <- received
                        }

                    for _ in 1..64 do
                        stream () |> ignore

                    Expect.isTrue (heard.Wait limit) "all 64 stream"
                    return struct (64, -1L)
                }))

        testCaseTask "drives a server, and checks it" (fun () ->
            withServer (fun server port ->
                task {
                    let folder = server.StartInfo.WorkingDirectory
                    let words = $"--client 127.0.0.1:{port} --connections 8 --messages 50 --size 70000"
                    use client = start folder (List.ofArray (words.Split ' '))
                    let! struct (exitCode, output, errors) = ended client
                    Expect.equal errors "" "errors"
                    Expect.equal exitCode 0 "exit code"
                    Expect.stringStarts output "400 echoes, " "summary"
                    return struct (8, 8L * 50L * 70_000L)
                }))
    ]
