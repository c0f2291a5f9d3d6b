/// Descriptors of the process for direct ones: who inherits them. FileLimitTests has what happens when none is left.
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
    ]
