/// scripts/tree.fsx as its users start it: it counts what `du` and `find` count.
module Uring.Tests.Linux.TreeScriptTests

open System
open System.IO
open System.Threading.Tasks
open Expecto

let private limit = TimeSpan.FromSeconds 60.0

let private outputOf (folder: string) (program: string) (arguments: string list) : Task<string list> =
    task {
        use running = Sdk.start folder program arguments
        let! struct (exitCode, output, errors) = Sdk.ended limit running
        Expect.equal (exitCode, errors) (0, "") program
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries) |> List.ofArray
    }

[<Tests>]
let tests =
    testSequenced
    <| testList "tree.fsx" [
        testCaseTask "sizes as du, counts as find" (fun () ->
            Observe.inFolder (fun folder ->
                task {
                    let at (path: string) = Path.Combine(folder, "tree", path)
                    Directory.CreateDirectory(at "a/b/.hidden") |> ignore
                    Directory.CreateDirectory(at "c") |> ignore

                    for number in 1..200 do
                        File.WriteAllText(at $"a/b/{number}", String('x', number * 100))

                    File.WriteAllText(at "a/b/.hidden/größe", String('x', 1_000_000))
                    File.CreateSymbolicLink(at "c/link", at "a") |> ignore
                    let! _ = outputOf folder "ln" [ at "a/b/200"; at "c/linked" ]
                    Sdk.copyScripts folder [ "tree.fsx"; "shared.fsx" ]

                    let! said =
                        outputOf folder Sdk.dotnet [
                            "fsi"
                            "tree.fsx"
                            "--"
                            "tree"
                            "--depth"
                            "3"
                            "--biggest"
                            "1"
                        ]
                    // The file of two names belongs to whom comes first: left out of the comparison of single directories.
                    let! sizes = outputOf folder "du" [ "-k"; "tree" ]
                    let! found = outputOf folder "find" [ "tree"; "-not"; "-type"; "d" ]
                    let totals = said |> List.takeWhile (fun line -> not (line.Contains " files, "))

                    let paths (lines: string list) =
                        lines |> List.map (fun line -> line.Split('\t')[1]) |> List.sort

                    let sizeOf path (lines: string list) =
                        lines |> List.find (fun line -> line.EndsWith("\t" + path))

                    Expect.equal (paths totals) (paths sizes) "directories"

                    for path in [ "tree"; "tree/a/b/.hidden" ] do
                        Expect.equal (sizeOf path totals) (sizeOf path sizes) path

                    let counts = $"{found.Length} files, {sizes.Length} directories (sizes in KiB)"
                    Expect.contains said counts "counts"
                    Expect.stringEnds (List.last said) "\ttree/a/b/.hidden/größe" "the biggest"
                }))
    ]
