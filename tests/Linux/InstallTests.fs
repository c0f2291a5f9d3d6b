/// Descriptors of the process for direct ones: who inherits them, and what happens when none is left.
module Uring.Tests.Linux.InstallTests

open System
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File

let private options = { LoopOptions.standard with DirectDescriptors = 4 }
let private openDirect path = File.openDirect OpenFlags.Read IO.UnixFileMode.None path

/// Whether a descriptor of this process is closed on exec: the flags of its open file, in octal.
let private isClosedOnExec (number: int) =
    Bcl.ReadAllLines $"/proc/self/fdinfo/{number}"
    |> Array.find _.StartsWith("flags:")
    |> fun line -> Convert.ToInt32(line.Substring(6).Trim(), 8) &&& 0o2000000 <> 0

/// With 200 descriptors for the process: an install finds none left, and its slot stays as it is.
let private full () =
    withLoopOf LinuxKernel.Instance options (fun host ->
        let direct = runOn host (openDirect "/proc/self/stat")
        let mutable taken = []

        // .NET's own exception for EMFILE.
        let reason =
            failureOf (fun () ->
                while true do
                    taken <- Bcl.OpenHandle "/dev/null" :: taken)

        let refused = errnoOf host (FileRequest.install direct.Descriptor)
        taken |> List.iter _.Dispose()
        let installed = runOn host (File.install direct)
        runOn host (File.close installed)
        Console.WriteLine $"{refused} after {isNull reason |> not}"
        if refused = Errno.EMFILE then 0 else 1)

/// For Main.fs.
let children = [ "install", full ]

[<Tests>]
let tests =
    testSequenced
    <| testList "Install" [
        testCase "closed on exec, or inherited" (fun () ->
            withLoopOf LinuxKernel.Instance options (fun host ->
                let direct = runOn host (openDirect "/proc/self/stat")
                let own = runOn host (File.install direct)
                Expect.isTrue (isClosedOnExec own.Descriptor.Number) "install"
                let inherited = runOn host (File.installInherited direct)
                Expect.isFalse (isClosedOnExec inherited.Descriptor.Number) "installInherited"

                for file in [ own; inherited; direct ] do
                    runOn host (File.close file)))

        testCase "no descriptor is left" (fun () ->
            let struct (exitCode, said) = ChildProcess.run [ "prlimit"; "--nofile=200:200" ] "install"
            Expect.equal exitCode 0 said
            Expect.stringContains said "EMFILE" "errno")
    ]
