// Runs the suite of the facade on the simulated machine.
module Uring.Tests.Live.Main

open System
open Expecto
open Uring.Tests.Machine

/// What means nothing here, and why: it is counted as ignored.
let private leftOut = [
    "allocate nothing", "the simulated kernel allocates, on the thread of its caller"
    "allocates nothing", "the simulated kernel allocates, on the thread of its caller"
]

let private consider (test: FlatTest) : FlatTest =
    let name = String.concat "." test.name

    match leftOut |> List.tryFind (fun (part, _) -> name.EndsWith(part, StringComparison.Ordinal)) with
    | None -> test
    | Some(_, reason) ->
        Console.Out.WriteLine $"left out: {name}: {reason}"
        { test with state = FocusState.Pending }

[<EntryPoint>]
let main arguments =
    OneMachine.start ()

    let tests =
        match Impl.testFromThisAssembly () with
        | None -> testList "nothing" []
        | Some tests -> tests |> Test.toTestCodeList |> List.map consider |> Test.fromFlatTests "."

    let result = runTestsWithCLIArgs [] arguments tests

    match OneMachine.violations () with
    | [] -> result
    | violations ->
        for violation in violations do
            Console.Error.WriteLine $"rule broken: {violation}"

        1
