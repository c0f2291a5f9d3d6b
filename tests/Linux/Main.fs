// Runs every test of this assembly; the exit code is Expecto's. Or what a child process of a test does.
module Uring.Tests.Linux.Main

open Expecto

let private children =
    (SubmittedOpcodes.Name, SubmittedOpcodes.report) :: GuardedPoolTests.children
    @ PoolFailureTests.children
    @ FileLimitTests.children
    @ SocketErrorTests.children

[<EntryPoint>]
let main arguments =
    // Whoever looks on does so from the first ring on.
    Uring.Kernel.LinuxKernel.Instance |> ignore

    match arguments with
    | [| ChildProcess.Argument; name |] -> (children |> List.find (fun (known, _) -> known = name) |> snd) ()
    | [| "operations" |] ->
        System.Console.Out.Write(OperationsPage.text ())
        0
    | _ -> runTestsInAssemblyWithCLIArgs [] arguments
