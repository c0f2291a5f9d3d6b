/// Which operations the tests of a file really submit: it runs them in a process of its own, one after another, and looks into
/// the queues of all rings. For docs/operations.md, which says where an operation is tried.
module Uring.Tests.Linux.SubmittedOpcodes

open System
open System.Reflection
open System.Threading
open Expecto
open Uring.Model

/// The name of the child process.
[<Literal>]
let Name = "submitted"

/// Each file that the page names, with what it has to submit.
let private claims () : (string * Opcode list) list =
    OperationsPage.offers
    |> List.collect (fun offer -> offer.Tests |> List.map (fun file -> file, offer.Opcode))
    |> List.groupBy fst
    |> List.map (fun (file, found) -> file, List.map snd found)

let private testsOf (file: string) : FlatTest list =
    match Assembly.GetExecutingAssembly().GetType $"Uring.Tests.Linux.{file}" with
    | null -> []
    | owner ->
        owner.GetProperties(BindingFlags.Static ||| BindingFlags.Public)
        |> Array.filter (fun property -> property.IsDefined(typeof<TestsAttribute>, false))
        |> Array.choose (fun property ->
            match property.GetValue null with
            | :? Test as tests -> Some tests
            | _ -> None)
        |> List.ofArray
        |> List.collect Test.toTestCodeList

/// Whether it passes is asked elsewhere.
let private perform (test: FlatTest) =
    try
        match test.test with
        | TestCode.Sync body -> body ()
        | TestCode.SyncWithCancel body -> body CancellationToken.None
        | TestCode.Async body -> Async.RunSynchronously(body, int Hosting.limit.TotalMilliseconds)
        | TestCode.AsyncFsCheck _ -> ()
    with _ ->
        ()

/// What is claimed for a file and was not seen once all of its tests have run.
let private missing (file: string) (claimed: Opcode list) : Opcode list =
    FaultyKernel.Seen.Clear()

    let rec search (tests: FlatTest list) (wanted: Opcode list) =
        match tests, wanted with
        | _, []
        | [], _ -> wanted
        | test :: others, _ ->
            perform test
            search others (wanted |> List.filter (FaultyKernel.Seen.ContainsKey >> not))

    search (testsOf file) claimed

/// The child: prints "file: opcode" for each claim that is not true. As many as that is its exit code.
let report () : int =
    let mutable wrong = 0

    for file, claimed in claims () do
        for opcode in missing file claimed do
            Console.Out.WriteLine $"{file}: {opcode}"
            wrong <- wrong + 1

    min 100 wrong
