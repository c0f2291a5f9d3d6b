/// Standard input, output and error as files: they are what they are called, and nobody closes them.
module Uring.Tests.Linux.StandardStreamTests

open System
open Expecto
open Uring.FSharp
open Uring.Tests.Linux.Hosting

type private Facade = global.Uring.UringFile

let private streams: (string * int * Uring<File> * (unit -> Facade)) list = [
    "input", 0, File.standardInput, (fun () -> Facade.StandardInput())
    "output", 1, File.standardOutput, (fun () -> Facade.StandardOutput())
    "error", 2, File.standardError, (fun () -> Facade.StandardError())
]

let private collect () =
    GC.Collect()
    GC.WaitForPendingFinalizers()

[<Tests>]
let tests =
    testList "StandardStream" [
        for name, number, make, facade in streams do
            testCase $"standard {name}: its status, before and after it was closed" (fun () ->
                withLoop (fun host ->
                    let expected = runOn host (File.statusOfPath $"/proc/self/fd/{number}")

                    for _ in 1..2 do
                        let file = runOn host make
                        let found = runOn host (File.status file)
                        Expect.equal (found.Inode, found.Kind) (expected.Inode, expected.Kind) "what it is"
                        runOn host (File.close file)
                        collect ()

                    Expect.equal (runOn host make).Path $"standard {name}" "name"))

            testCaseTask $"C#: standard {name}" (fun () ->
                task {
                    let! expected = Facade.StatusAsync $"/proc/self/fd/{number}"

                    for _ in 1..2 do
                        let file = facade ()
                        let! found = file.GetStatusAsync()
                        Expect.equal (found.Inode, found.Kind) (expected.Inode, expected.Kind) "what it is"
                        file.Dispose()
                        do! file.DisposeAsync()
                        collect ()
                })

        testCase "writing nothing to standard error works, and reading from it is refused" (fun () ->
            let file = Facade.StandardError()
            file.WriteNextAllAsync(ReadOnlyMemory.Empty).AsTask() |> finished "write"

            Expect.throwsT<NotSupportedException>
                (fun () -> file.ReadNextAsync(Memory.Empty) |> ignore)
                "the wrong way")
    ]
