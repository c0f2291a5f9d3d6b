// Runs every test of this assembly; the exit code is Expecto's. Or what a child process of a test does.
module Uring.Tests.Linux.Main

open Expecto

let private children = GuardedPoolTests.children @ PoolFailureTests.children @ InstallTests.children

[<EntryPoint>]
let main arguments =
    match arguments with
    | [| ChildProcess.Argument; name |] -> (children |> List.find (fun (known, _) -> known = name) |> snd) ()
    | [| "operations" |] ->
        System.Console.Out.Write(OperationsPage.text ())
        0
    | _ -> runTestsInAssemblyWithCLIArgs [] arguments
