// Files to standard output, `-` for standard input: `dotnet fsi scripts/cat.fsx -- first.txt - last.txt`.
// Shows `and!`: the next block is read while the last one is written, both on one thread. If either fails the
// other is cancelled, and has ended before the error is raised: no buffer is ever left to the kernel.

#load "shared.fsx"
#nowarn "3391" // A Memory<byte> may stand where a ReadOnlyMemory<byte> is wanted.

open System
open System.IO
open System.Runtime.InteropServices
open Argu
open Uring.Driver
open Uring.FSharp
open Uring.Model

type Arguments =
    | [<MainCommand>] Files of path: string list

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Files _ -> "files to print one after another; `-`, or none at all, is standard input."

let arguments = Shared.arguments<Arguments>()
let buffers = [| for _ in 0..1 -> Memory(GC.AllocateUninitializedArray<byte>(128 * 1024, true)) |]

/// A descriptor that the process was born with: lent to the ring, and still open when the ring is done with it.
let borrow number : Uring<FileDescriptor> =
    uring {
        let! loop = Uring.loop
        let descriptor = loop.Own number
        // An owned descriptor that nobody closes is closed when it is collected. This one is not ours to close.
        GC.SuppressFinalize descriptor
        return descriptor
    }

let write (output: FileDescriptor) (block: Memory<byte>) : Uring<unit> =
    uring {
        let mutable rest = block

        while rest.Length > 0 do
            let! count = Uring.perform (FileRequest.writeNext output rest)
            rest <- rest.Slice count
    }

/// Copies until the input ends: 0, or the error of the read that failed. A write that fails raises.
let copy (output: FileDescriptor) (input: FileDescriptor) : Uring<int> =
    uring {
        let mutable next = 0
        let! first = Uring.attempt (FileRequest.readNext input buffers[next])
        let mutable count = first

        while count > 0 do
            let full = buffers[next].Slice(0, count)
            next <- 1 - next
            let! coming = Uring.attempt (FileRequest.readNext input buffers[next])
            and! () = write output full
            count <- coming

        return count
    }

let report path result =
    if result < 0 then Shared.complain $"{path}: {Marshal.GetPInvokeErrorMessage -result}"

let copyFile (output: FileDescriptor) (path: string) : Uring<unit> =
    uring {
        match! Uring.catch (File.openRead path) with
        | Error reason -> Shared.complain reason.Message
        | Ok file ->
            use file = file
            let! result = copy output file.Descriptor
            report path result
    }

let cat (paths: string list) : Uring<unit> =
    uring {
        let! input = borrow 0
        let! output = borrow 1

        try
            for path in paths do
                if path = "-" then
                    let! result = copy output input
                    report "standard input" result
                else
                    do! copyFile output path
        with :? IOException as reason when reason.HResult = int Errno.EPIPE ->
            // Whoever read our output has seen enough.
            ()
    }

let paths = arguments.GetResult(Files, [ "-" ])

for unknown in paths |> List.filter _.StartsWith("--") do
    Shared.refuse $"unrecognized argument: '{unknown}'; a file of that name is './{unknown}'"

if not Console.IsInputRedirected then Shared.keyboardByLines ()
Shared.main (cat paths)
