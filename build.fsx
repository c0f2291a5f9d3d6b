// The build: `dotnet fsi build.fsx <target>`, with the .NET SDK and nothing else.
// From top to bottom: processes, tests, house rules, the main job, benchmarks, the table of targets.

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Text.RegularExpressions

let root = __SOURCE_DIRECTORY__
let inRoot path = Path.Combine(root, path)
let exists path = Path.Exists(inRoot path)

// ---- Steps: `unit -> exit code` -----------------------------------------------------------------

let delete path () =
    if exists path then Directory.Delete(inRoot path, true)
    0

/// Runs a program from the root and waits. Its output is ours, or goes line by line to `hear`.
let start (hear: (string -> unit) option) (program: string) (args: string list) =
    let how = ProcessStartInfo(program, args, WorkingDirectory = root, RedirectStandardOutput = hear.IsSome)
    use child = Process.Start how

    for hear in Option.toList hear do
        Seq.initInfinite (fun _ -> child.StandardOutput.ReadLine())
        |> Seq.takeWhile (isNull >> not)
        |> Seq.iter hear

    child.WaitForExit()
    child.ExitCode

/// The `dotnet` that runs this script: PATH and DOTNET_ROOT do not matter.
let muxer = Environment.ProcessPath
let dotnet args () = start None muxer args

/// Stops at the first step that fails.
let inOrder steps = steps |> Seq.map (fun step -> step ()) |> Seq.tryFind ((<>) 0) |> Option.defaultValue 0

/// Runs every step and fails if one did.
let all steps = steps |> List.map (fun step -> step ()) |> List.max

/// The tools come first: Paket takes part in the restore.
let build () =
    inOrder [
        dotnet [ "tool"; "restore" ]
        dotnet [ "build"; "Uring.slnx"; "-c"; "Release"; "-v"; "quiet"; "--nologo" ]
    ]

// ---- test ---------------------------------------------------------------------------------------

type Tally = { Passed: int; Failed: int; Skipped: int }

let suites = [ "Properties"; "Simulation"; "Live"; "Linux" ]

/// Reads Expecto's summary: `12 tests run in ... – 10 passed, 1 ignored, 1 failed, 1 errored.`
let readTally line =
    let pattern = @"tests run .* ([\d,]+) passed, ([\d,]+) ignored, ([\d,]+) failed, ([\d,]+) errored"
    let found = Regex.Match(line, pattern)
    let count (group: int) = int (found.Groups[group].Value.Replace(",", ""))
    let tally () = { Passed = count 1; Skipped = count 2; Failed = count 3 + count 4 }
    if found.Success then Some(tally ()) else None

/// A suite that crashed, said nothing or was empty counts as a failure. A filter may leave a suite empty.
let judge isFiltered exitCode said =
    let tally = said |> Option.defaultValue { Passed = 0; Failed = 0; Skipped = 0 }
    let isEmpty = tally.Passed + tally.Failed + tally.Skipped = 0
    let isSound = Option.isSome said && (isFiltered || not isEmpty) && (exitCode = 0 || tally.Failed > 0)
    if isSound then tally else { tally with Failed = max 1 tally.Failed }

let runSuite options suite =
    let mutable said = None

    let hear line =
        printfn "%s" line
        said <- readTally line |> Option.orElse said

    let program = $"artifacts/bin/{suite}/release/Uring.Tests.{suite}.dll"
    let exitCode = start (Some hear) muxer ([ program; "--colours"; "0"; "--no-spinner" ] @ options)
    judge (not (List.isEmpty options)) exitCode said

let test options () =
    let tallies = suites |> List.map (runSuite options)
    let sum count = List.sumBy count tallies
    let passed, failed, skipped = sum _.Passed, sum _.Failed, sum _.Skipped
    if skipped > 0 then printfn "%d skipped: each has told why" skipped
    printfn "%d passed, %d failed" passed failed
    if failed > 0 || passed = 0 then 1 else 0

// ---- check --------------------------------------------------------------------------------------

let within (folder: string) (path: string) = path.StartsWith(folder + "/", StringComparison.Ordinal)
let isSafe path = within "src" path && not (within "src/Kernel" path || within "src/Uring.Simulation" path)

/// Where, what, why not. Comments may say anything.
let forbidden = [
    within "src/Model", @"open System\.IO\b|\bSystem\.Threading\b|\bmutable\b|\braise\b", "the model is pure"

    isSafe, @"\bextern\b|\b[Nn]ative[Pp]tr\b", "only src/Kernel touches raw memory and the system"

    within "src",
    @"\bfailwithf?\b|\bThread\.Sleep\b|\bNotImplementedException\b",
    "errors are values or named exceptions, waiting is an operation, nothing ships half done"
]

/// The house rules that one file breaks, as `path:line: rule`.
let offences (path: string) (lines: string[]) = [
    for applies, pattern, why in forbidden do
        for index, line in Array.indexed lines do
            for found in Regex.Matches(Regex.Replace(line, "//.*", ""), pattern) do
                if applies path then $"{path}:{index + 1}: {found.Value}: {why}"

    if lines.Length > 400 && not (lines |> Seq.truncate 10 |> Seq.exists _.Contains("Length:")) then
        $"{path}:401: over 400 lines: split it, or say why at the top with `Length: ...`"

    if Regex.IsMatch(Path.GetFileNameWithoutExtension path, "(Utils?|Helpers?|Manager|Common)$") then
        $"{path}:1: name a file after what it is about"
]

let places = [ "src"; "tests"; "scripts"; "samples"; "benchmarks" ] |> List.filter exists

let houseRules () =
    let found = [
        for place in places do
            for file in Directory.GetFiles(inRoot place, "*", SearchOption.AllDirectories) do
                if Regex.IsMatch(file, @"\.(fs|fsi|fsx|cs|c)$") then
                    yield! offences (Path.GetRelativePath(root, file)) (File.ReadAllLines file)
    ]

    found |> List.iter (printfn "%s")
    if found.IsEmpty then 0 else 1

let fantomas = dotnet ([ "fantomas"; "--check"; "build.fsx" ] @ places)

// The rest of C# style is a matter of the build (EnforceCodeStyleInBuild).
let format =
    dotnet [ "format"; "whitespace"; "src/Uring.CSharp"; "--verify-no-changes"; "--no-restore" ]

let check () = all [ houseRules; fantomas; format ]

// ---- run ----------------------------------------------------------------------------------------

let probe = dotnet [ "fsi"; "scripts/probe.fsx" ]
let copy = "artifacts/run/copy"

/// The .NET that runs this script: a real tree that every user has.
let sdkFolder = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."))

let copyTree args =
    let from = args |> List.tryItem 0 |> Option.defaultValue sdkFolder |> Path.GetFullPath
    let target = args |> List.tryItem 1 |> Option.defaultValue (inRoot copy) |> Path.GetFullPath
    dotnet [ "fsi"; "scripts/cp.fsx"; "--"; from; target; "--verify" ]

// ---- bench --------------------------------------------------------------------------------------

/// The same loops in C on liburing, to measure against; a machine without gcc or liburing goes without.
let buildControls () =
    Directory.CreateDirectory(inRoot "artifacts/controls") |> ignore

    for source in Directory.GetFiles(inRoot "benchmarks/controls", "*.c") do
        let target = $"artifacts/controls/{Path.GetFileNameWithoutExtension source}"

        try
            if start None "gcc" [ "-O2"; "-o"; target; source; "-luring" ] <> 0 then
                printfn "No control %s: gcc failed. Is liburing-dev installed?" target
        with :? ComponentModel.Win32Exception as reason ->
            printfn "No control %s: %s" target reason.Message

    0

let bench args =
    let program = "artifacts/bin/Benchmarks/release/Uring.Benchmarks.dll"
    dotnet ([ program ] @ args @ [ "--controls"; "artifacts/controls" ])

/// Many seeds of the simulation's workloads, or one.
let simulate args =
    dotnet ([ "artifacts/bin/Simulation/release/Uring.Tests.Simulation.dll"; "simulate" ] @ args)

// ---- Targets ------------------------------------------------------------------------------------

let pack = dotnet [ "pack"; "Uring.slnx"; "-c"; "Release"; "--no-build"; "-o"; "artifacts/package" ]

let targets = [
    "run", "[from] [to]: copy and verify a tree", fun args -> [ build; probe; delete copy; copyTree args ]
    "test", "[Expecto options]: every suite", fun args -> [ build; test args ]
    "simulate", "--runs N | --seed N: the library under faults", fun args -> [ build; simulate args ]
    "check", "format and house rules", fun _ -> [ build; check ]
    "bench", "[case]: ratios to the C controls", fun args -> [ build; buildControls; bench args ]
    "build", "everything, as Release", fun _ -> [ build ]
    "pack", "NuGet packages to artifacts/package", fun _ -> [ build; pack ]
    "clean", "delete artifacts/", fun _ -> [ delete "artifacts" ]
]

let list exitCode =
    printfn "dotnet fsi build.fsx <target>"
    targets |> List.iter (fun (name, what, _) -> printfn "  %-8s %s" name what)
    exitCode

match fsi.CommandLineArgs |> List.ofArray |> List.tail |> List.filter ((<>) "--") with
| [] -> exit (list 0)
| target :: args ->
    match targets |> List.tryFind (fun (name, _, _) -> name = target) with
    | Some(_, _, steps) -> exit (inOrder (steps args))
    | None -> exit (list 2)
