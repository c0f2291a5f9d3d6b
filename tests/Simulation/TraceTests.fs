/// What a run tells of itself: the trace, the page, the table, and the script that shows them.
module Uring.Tests.Simulation.TraceTests

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Text.RegularExpressions
open System.Xml.Linq
open Expecto
open Uring.FSharp
open Uring.Simulation

/// A name that means something in HTML and in Markdown.
let private awkward = "/<b>&\"'|\u0001"

/// Opens a file, and forgets it.
let private careless =
    uring {
        let! file = File.create awkward
        do! File.write file (ReadOnlyMemory [| 1uy; 2uy; 3uy |]) 0L
    }

let private failing () = Simulation.run 1UL Faults.none careless

let private lines (text: string) = text.Split('\n', StringSplitOptions.RemoveEmptyEntries)

let private seeds = [ 1UL .. 32UL ]

let rec private rootAbove (folder: string) =
    if File.Exists(Path.Combine(folder, "Uring.slnx")) then
        folder
    else
        rootAbove (Path.GetDirectoryName folder |> Option.ofObj |> Option.get)

/// A copy of a script, which loads this build.
let private copyTo (folder: string) (script: string) =
    let text = File.ReadAllText(Path.Combine(rootAbove AppContext.BaseDirectory, "scripts", script))

    File.WriteAllText(
        Path.Combine(folder, script),
        Regex.Replace(text, "#r \"\\.\\./artifacts/.*/", $"#r \"{AppContext.BaseDirectory}")
    )

/// The exit code of the replay script, what it printed, and its errors.
let private replay (folder: string) (arguments: string list) =
    [ "shared.fsx"; "replay.fsx" ] |> List.iter (copyTo folder)
    let dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"))

    let start =
        ProcessStartInfo(
            dotnet,
            [ "fsi"; "replay.fsx"; "--" ] @ arguments,
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    use running = start |> Process.Start |> Option.ofObj |> Option.get
    let errors = running.StandardError.ReadToEndAsync()
    let output = running.StandardOutput.ReadToEnd()
    running.WaitForExit()
    struct (running.ExitCode, output, errors.Result)

[<Tests>]
let tests =
    testList "Trace" [
        testCase "the same seed is told in the same words, and drawn as the same page" (fun () ->
            for seed in seeds do
                let one = Workloads.run seed
                let other = Workloads.run seed
                Expect.equal (other.Tell 100_000) (one.Tell 100_000) $"seed {seed}, told"
                Expect.equal (SequenceView.html other) (SequenceView.html one) $"seed {seed}, drawn"
                Expect.equal (SequenceView.markdown 50 other) (SequenceView.markdown 50 one) $"seed {seed}")

        testCase "asking for words changes nothing" (fun () ->
            let report = Workloads.run 5UL
            let before = report.Tell 100_000
            SequenceView.html report |> ignore
            Expect.equal (report.Tell 100_000) before "told twice"
            Expect.equal (Workloads.run 5UL).Fingerprint report.Fingerprint "the fingerprint")

        testCase "an operation is told with its file, a socket with both ends" (fun () ->
            let told =
                seeds |> List.map (fun seed -> (Workloads.run seed).Tell 100_000) |> String.concat "\n"

            for pattern in
                [
                    @"submit  OpenAt #\d+\.\d+  /file1"
                    @"submit  Write #\d+\.\d+  on \d+, /file1, \d+ bytes"
                    @"submit  Connect #\d+\.\d+  on \d+, tcp 127\.0\.0\.1:\d+ to 127\.0\.0\.1:4000"
                    @"submit  Close #\d+\.\d+  on \d+, /"
                    @"fault   Interrupted \(number \d+\)"
                ] do
                Expect.isTrue (Regex.IsMatch(told, pattern)) $"somewhere it says {pattern}")

        testCase "a provided buffer is given before it is taken, and taken before its completion" (fun () ->
            let owned = Collections.Generic.HashSet<string>()
            let mutable taken = 0

            for seed in seeds do
                owned.Clear()

                for line in lines ((Workloads.run seed).Tell 100_000) do
                    let found =
                        Regex.Match(line, @"(ring \d+)  (give|take)    (buffer \d+ of group \d+), (.*)")

                    if found.Success then
                        let buffer = found.Groups[1].Value + found.Groups[3].Value

                        if found.Groups[2].Value = "give" then
                            Expect.isTrue (owned.Add buffer) $"seed {seed}: given once: {line}"
                        else
                            taken <- taken + 1

                            Expect.isTrue
                                (owned.Contains buffer)
                                $"seed {seed}: taken after it was given: {line}"

                            if not (line.Contains "keeps the rest") then owned.Remove buffer |> ignore

            Expect.isGreaterThan taken 100 "buffers were taken")

        testCase "two machines have a column each" (fun () ->
            let options = SimulationOptions.ofSeed 1UL Faults.none

            let machines = [
                "one", "10.0.0.1", File.makeDirectory "/a"
                "two", "10.0.0.2", File.makeDirectory "/b"
            ]

            let page = SequenceView.html (Simulation.together options machines)
            Expect.stringContains page "<th>one ring 3</th><th>two ring 3</th>" "both of them")

        testCase "a page is well-formed, whatever a run did" (fun () ->
            for seed in seeds do
                let report = Workloads.run seed
                let page = XDocument.Parse(SequenceView.html report)
                let rows = page.Descendants(XName.Get "tr") |> Seq.length
                Expect.equal rows (1 + (lines (report.Tell 100_000)).Length) $"seed {seed}: a row per line"

                let anchors =
                    page.Descendants()
                    |> Seq.choose (fun element -> element.Attribute(XName.Get "id") |> Option.ofObj)
                    |> Seq.map (fun attribute -> "#" + attribute.Value)
                    |> Set.ofSeq

                for link in page.Descendants(XName.Get "a") do
                    let target = link.Attribute(XName.Get "href") |> Option.ofObj |> Option.get
                    Expect.isTrue (anchors.Contains target.Value) $"seed {seed}: {target} leads somewhere")

        testCase "a page of a failing run says what was broken, and a file name is text in it" (fun () ->
            let report = failing ()
            Expect.isNonEmpty report.Violations "the file is still open"
            let html = SequenceView.html report
            let page = XDocument.Parse html
            let list = page.Descendants(XName.Get "ul") |> Seq.map _.Value |> String.concat ""
            Expect.stringContains list "Leaked: descriptor" "the violation"
            Expect.stringContains list "/<b>&\"'|\uFFFD" "the name"
            Expect.stringContains html "/&lt;b&gt;&amp;&quot;&#39;|\uFFFD" "escaped"
            Expect.isFalse (html.Contains "/<b>") "nowhere else"
            Expect.stringContains html "<tr id=\"l" "it has rows"
            Expect.stringContains html "class=\"broken\"><td" "and the broken rule is one of them")

        testCase "a table has as many rows as asked for, with five cells each" (fun () ->
            let report = failing ()

            for count in [ 1; 3; 5 ] do
                let table = lines (SequenceView.markdown count report)
                Expect.equal table.Length (2 + count) "a head, a rule, and the rows"

                for row in table do
                    Expect.equal (Regex.Count(row, @"(?<!\\)\|")) 6 $"five cells: {row}"

            let all = (lines (report.Tell 100_000)).Length

            Expect.equal
                (lines (SequenceView.markdown 100_000 report)).Length
                (2 + all)
                "no more than there are")

        testCase "the replay script tells a seed, and draws it" (fun () ->
            let folder = Directory.CreateTempSubdirectory("uring-replay-").FullName

            try
                let struct (code, output, errors) =
                    replay folder [ "5"; "--lines"; "3"; "--html"; "run.html" ]

                Expect.equal errors "" "no complaints"
                Expect.equal code 0 "a good run"
                let report = Workloads.run 5UL
                Expect.stringContains output (Simulation.describe 3 report) "the same run"
                let page = File.ReadAllText(Path.Combine(folder, "run.html"))
                Expect.equal page (SequenceView.html report) "the same page"
            finally
                Directory.Delete(folder, true))
    ]
