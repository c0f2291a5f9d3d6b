// Asks the C compiler what the machine's own headers say. Knows no law. Used by AbiLaws.fs and ErrnoLaws.fs.
module Uring.Laws.Header

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open Expecto

let private header = "/usr/include/linux/io_uring.h"

/// True when the header knows the names. An older one lacks the newest of io_uring's; all others are old.
let private isKnown (text: string) (expression: string) =
    Regex.Matches(expression, @"\bIO\w*|\bio_uring_\w+")
    |> Seq.forall (fun name -> Regex.IsMatch(text, $@"\b{name.Value}\b"))

let private run (program: string) (arguments: string list) =
    let start =
        ProcessStartInfo(program, arguments, RedirectStandardOutput = true, RedirectStandardError = true)

    use running = nonNull (Process.Start start)
    let errors = running.StandardError.ReadToEndAsync()
    let output = running.StandardOutput.ReadToEnd()
    running.WaitForExit()
    Expect.equal running.ExitCode 0 $"{program} says {errors.Result}"
    output

/// The printed values of C expressions, in order; `None` for those that the header is too old to know.
let private print (text: string) expressions =
    let known = expressions |> List.filter (isKnown text)

    let program = [
        "#define _GNU_SOURCE"
        "#include <stdio.h>"
        "#include <stddef.h>"
        "#include <errno.h>"
        "#include <fcntl.h>"
        "#include <sys/stat.h>"
        "#include <linux/io_uring.h>"
        "int main(void) {"
        for expression in known do
            $"    printf(\"%%lld\\n\", (long long)({expression}));"
        "}"
    ]

    let directory = Directory.CreateTempSubdirectory "uring-header-"

    try
        let source = Path.Combine(directory.FullName, "values.c")
        let binary = Path.Combine(directory.FullName, "values")
        File.WriteAllLines(source, program)
        run "gcc" [ "-o"; binary; source ] |> ignore
        let lines = (run binary []).Split('\n', StringSplitOptions.RemoveEmptyEntries)
        List.zip known (lines |> Array.map int64 |> List.ofArray)
    finally
        directory.Delete true

/// Compares golden values, given as (C expression, value), with the header's. Skips where there is no C.
let expectSame atLeast (golden: (string * int64) list) =
    let onPath name =
        (string (Environment.GetEnvironmentVariable "PATH")).Split ':'
        |> Array.exists (fun directory -> File.Exists(Path.Combine(directory, name)))

    let reason =
        if not (onPath "gcc") then Some "no gcc on this machine"
        elif not (File.Exists header) then Some $"no {header} on this machine"
        else None

    match reason with
    | Some reason ->
        printfn "skipped: %s" reason
        skiptest reason
    | None ->
        let printed = golden |> List.map fst |> print (File.ReadAllText header)
        let expected = Map.ofList golden
        Expect.isGreaterThan printed.Length atLeast "names that the header knows"

        for name, value in printed do
            Expect.equal value expected[name] $"{name}, golden table against {header}"
