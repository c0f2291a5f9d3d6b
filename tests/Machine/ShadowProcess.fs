// System.Diagnostics' name for programs of the simulated machine. It has one: mkfifo. All others are real.
namespace System.Diagnostics

open System
open System.Threading.Tasks
open Uring.Simulation.World
open Uring.Tests.Machine
open Uring.Tests.Machine.OneMachine

[<Sealed>]
type Process private (real: Real.Process | null) =

    static member Start(program: string, argument: string) : Process =
        if program = "mkfifo" then
            inside (fun () -> Disks.change argument (FileSystem.makeFifo argument disk.FileSystem))
            new Process(null)
        else
            new Process(Real.Process.Start(program, argument))

    static member Start(start: ProcessStartInfo) : Process = new Process(Real.Process.Start start)

    member _.WaitForExitAsync() : Task =
        match real with
        | null -> Task.CompletedTask
        | running -> running.WaitForExitAsync()

    member _.WaitForExit() =
        match real with
        | null -> ()
        | running -> running.WaitForExit()

    interface IDisposable with
        member _.Dispose() =
            match real with
            | null -> ()
            | running -> running.Dispose()
