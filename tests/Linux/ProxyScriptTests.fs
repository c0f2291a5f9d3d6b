/// scripts/proxy.fsx as its users start it, between sockets of the BCL, which share no code with ours.
module Uring.Tests.Linux.ProxyScriptTests

open System
open System.Net
open System.Net.Sockets
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto
open Uring.Tests.Linux.EchoScriptTests

/// Sends back all that comes, to as many as come.
let private echoServer () : TcpListener =
    let listener = new TcpListener(IPAddress.Loopback, 0)
    listener.Start 4096

    let echo (client: TcpClient) =
        task {
            use client = client
            use stream = client.GetStream()
            do! stream.CopyToAsync stream
        }

    task {
        try
            while true do
                let! client = listener.AcceptTcpClientAsync()
                echo client |> ignore
        with
        | :? ObjectDisposedException
        | :? SocketException -> ()
    }
    |> ignore

    listener

let private portOf (listener: TcpListener) = (listener.LocalEndpoint :?> IPEndPoint).Port

/// Lends a proxy in front of `server`, interrupts it, and returns what it says at last.
let private withProxy (server: int) (body: int -> Task<unit>) : Task<string> =
    task {
        let folder = IO.Directory.CreateTempSubdirectory("uring-proxy-").FullName

        try
            Sdk.copyScripts folder [ "proxy.fsx"; "shared.fsx" ]
            use proxy = startScript "proxy.fsx" folder [ "--port"; "0"; "--to"; $"127.0.0.1:{server}" ]

            try
                let! line = lineOf proxy.StandardOutput
                let port = Regex.Match(line, "^127\\.0\\.0\\.1:(\\d+) leads to 127\\.0\\.0\\.1:\\d+$")
                Expect.isTrue port.Success line
                do! body (int port.Groups[1].Value)
                let! struct (exitCode, output, errors) = interrupt proxy
                Expect.equal (exitCode, errors) (0, "") "exit code and errors"
                return (output.Split '\n') |> Array.last
            finally
                if not proxy.HasExited then proxy.Kill true
        finally
            IO.Directory.Delete(folder, true)
    }

[<Tests>]
let tests =
    testSequenced
    <| testList "proxy.fsx" [
        testCaseTask "every byte goes there and back, and the ends follow" (fun () ->
            task {
                use server = echoServer ()
                let mutable sent = 0L

                let! summary =
                    withProxy (portOf server) (fun port ->
                        task {
                            let! one = conversations port 1
                            let! several = conversations port 64
                            sent <- one + several
                        })

                Expect.equal summary $"65 connections, {2L * sent} bytes moved" "summary"
            })

        testCaseTask "those who say nothing hold up nobody" (fun () ->
            task {
                use server = echoServer ()

                let! summary =
                    withProxy (portOf server) (fun port ->
                        task {
                            let idle = [ for _ in 1..200 -> new TcpClient("127.0.0.1", port) ]
                            let! _ = conversations port 4

                            for client in idle do
                                client.Dispose()
                        })

                Expect.stringStarts summary "204 connections, " "summary"
            })

        testCaseTask "a server that is not there costs a connection, not the proxy" (fun () ->
            task {
                let gone = echoServer ()
                let server = portOf gone
                gone.Dispose()

                let! failure =
                    task {
                        try
                            return!
                                withProxy server (fun port ->
                                    task {
                                        for _ in 1..2 do
                                            use client = new TcpClient("127.0.0.1", port)

                                            let! count =
                                                client.GetStream().ReadAsync(Memory(Array.zeroCreate 1))

                                            Expect.equal count 0 "the end"
                                    })
                        with reason ->
                            return reason.Message
                    }

                Expect.stringContains failure "Connection refused" "what is told"
            })

        testCaseTask "--help, and what is no address" (fun () ->
            Observe.inFolder (fun folder ->
                task {
                    Sdk.copyScripts folder [ "proxy.fsx"; "shared.fsx" ]
                    let limit = TimeSpan.FromSeconds 60.0
                    use help = startScript "proxy.fsx" folder [ "--help" ]
                    let! struct (exitCode, output, _) = Sdk.ended limit help
                    Expect.equal exitCode 0 "help"
                    Expect.stringContains output "--to <server>" "usage"
                    use wrong = startScript "proxy.fsx" folder [ "--to"; "nowhere" ]
                    let! struct (exitCode, _, errors) = Sdk.ended limit wrong
                    Expect.equal exitCode 2 "not understood"
                    Expect.stringContains errors "127.0.0.1:7000" "what it wants"
                }))
    ]
