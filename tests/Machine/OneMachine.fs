/// The simulated machine of this process: one for all its threads, in real time.
module Uring.Tests.Machine.OneMachine

open System
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.Live
open Uring.Simulation.World

let internal live = LiveMachine(1UL, Faults.None, KernelVersion.linux6_18)

let internal kernel: IKernel = LiveKernel live

/// What the machine's file system is, or becomes.
let internal disk = live.Machine.Disk

/// Alone inside.
let internal inside (action: unit -> 'T) : 'T =
    use _ = live.Enter()
    action ()

/// A file descriptor for an open file.
let internal describe (file: OpenFile) : int = live.Machine.Descriptors.Add file

let internal close (descriptor: int) = inside (fun () -> live.Machine.Close(descriptor, false) |> ignore)

/// A blocking call: what `attempt` says as soon as it is not EAGAIN, or EAGAIN when nothing came in time.
let internal await (limit: TimeSpan) (attempt: unit -> int) : int =
    let again = Errno.toResult Errno.EAGAIN

    let tried () =
        match attempt () with
        | result when result = again -> ValueNone
        | result -> ValueSome result

    ValueOption.defaultValue again (live.Until(limit, tried))

let private write (path: string) (text: string) =
    match Disk.openAt disk path 0o101 0o644 with
    | Ok file ->
        file.Write(ReadOnlySpan(Text.Encoding.UTF8.GetBytes text), 0L) |> ignore
        file.Release()
    | Error errno -> invalidOp $"{path}: {int errno}"

/// From now on every ring of this process is one of this machine. What programs expect to find is there.
let start () =
    inside (fun () ->
        for folder in [ "/etc"; "/tmp" ] do
            disk.MakeDirectory(folder, 0o777) |> ignore

        write "/etc/passwd" "root:x:0:0:root:/root:/bin/sh\n")

    ProcessKernel.Current <- kernel

/// Every rule of the simulation that was broken.
let violations () : string list =
    inside (fun () -> live.World.Ledger.Violations |> Seq.map _.Message |> List.ofSeq)

/// What happened last, and who waits for what.
let tell (lines: int) : string =
    inside (fun () ->
        live.World.Trace.Tell lines
        + Environment.NewLine
        + Uring.Simulation.Running.Waiting.tell live.Machine)
