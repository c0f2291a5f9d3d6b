// The running kernel's name for the kernel of this process: Linux; or, in the child that SubmittedOpcodes.fs starts, Linux with
// somebody who looks on. Before anybody makes a list of tests, which may name it.
namespace Uring.Kernel

open System
open Uring.Tests.Linux

[<Sealed>]
type LinuxKernel private () =

    static let instance =
        if Environment.GetCommandLineArgs() |> Array.contains "submitted" then
            ProcessKernel.Current <- FaultyKernel()

        ProcessKernel.Current

    /// The kernel that this process runs on.
    static member Instance = instance
