// Compares docs/model.md with what the scripts print and with the laws in the model's headers, and these with the names
// of the tests. Knows no machine: it reads.
module Uring.Laws.ModelPageTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open Uring.Machines

let rec private rootAbove (folder: string) =
    if File.Exists(Path.Combine(folder, "Uring.slnx")) then
        folder
    else
        rootAbove (Path.GetDirectoryName folder |> Option.ofObj |> Option.get)

let private inRoot path = Path.Combine(rootAbove AppContext.BaseDirectory, path)
let private page = lazy (File.ReadAllText(inRoot "docs/model.md"))

/// Numbered sentences that may go on in the next line, further in.
let private numbered (prefix: string) (lines: string list) =
    let folder (laws: string list) (line: string) =
        let first = Regex.Match(line, $@"^{prefix} ?(\d+\. .*)$")
        let more = Regex.Match(line, $@"^{prefix}   +(\S.*)$")

        match laws with
        | _ when first.Success -> first.Groups[1].Value :: laws
        | law :: others when more.Success -> $"{law} {more.Groups[1].Value}" :: others
        | _ -> laws

    lines |> List.fold folder [] |> List.rev

/// The laws in the header of a model file: what follows the line `Laws` in its comment.
let private lawsOf path =
    File.ReadAllLines path
    |> List.ofArray
    |> List.skipWhile (fun line -> line <> "/// Laws")
    |> List.truncate 60
    |> List.takeWhile _.StartsWith("///")
    |> numbered "/// "

/// Every file of a folder that has laws.
let private lawfulIn folder =
    lazy
        [
            for path in Directory.GetFiles(inRoot folder, "*.fs") |> Array.sort do
                match lawsOf path with
                | [] -> ()
                | laws -> nonNull (Path.GetFileNameWithoutExtension path), laws
        ]

let private machines = lawfulIn "src/Model"
let private simulated = lawfulIn "src/Uring.Simulation/World"

/// The laws on the page, under the heading of this machine.
let private lawsOnPage name =
    page.Value.Split '\n'
    |> List.ofArray
    |> List.skipWhile (fun line -> line <> $"### {name}")
    |> List.truncate 100
    |> function
        | [] -> []
        | _ :: section -> section |> List.takeWhile (_.StartsWith("#") >> not) |> numbered ""

let private namesOf list =
    Reflection.Assembly.GetExecutingAssembly()
    |> Impl.testFromAssembly
    |> Option.toList
    |> List.collect Test.toTestCodeList
    |> List.filter (fun test -> List.head test.name = list)
    |> List.map (fun test -> String.concat "." (List.tail test.name))

let private expectTests list laws =
    let names = namesOf list

    for law in laws do
        Expect.exists names _.StartsWith(law, StringComparison.Ordinal) $"{list}: {law}"

let private expectDiagram machine =
    Expect.stringContains
        page.Value
        (Diagram.fenced machine)
        $"{machine.Title} on docs/model.md, as the script prints it"

[<Tests>]
let tests =
    testList "Model page" [
        test "docs/model.md shows the diagrams that scripts/lifecycle.fsx prints" {
            expectDiagram Operation.operation
            expectDiagram Operation.stream
            expectDiagram Operation.sendLine
        }

        test "docs/model.md shows the diagrams that scripts/bufferring.fsx prints" {
            expectDiagram Buffers.buffer
            expectDiagram Buffers.lease
        }

        test "docs/model.md has the laws of every model file, word for word, and no others" {
            Expect.isGreaterThan machines.Value.Length 14 "model files with laws"

            for name, laws in machines.Value do
                Expect.equal (lawsOnPage name) laws $"laws under ### {name}"
        }

        test "each law of a model file is the name of a test in the list of that name" {
            for name, laws in machines.Value do
                expectTests name laws
        }

        test
            "each law of a file of the simulated world is the name of a test in the list Simulated and that name" {
            Expect.isGreaterThan simulated.Value.Length 8 "files with laws"

            for name, laws in simulated.Value do
                expectTests $"Simulated{name}" laws
        }
    ]
