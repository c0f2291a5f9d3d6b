/// The README's programs, run as they are printed. Only the outside is ours: which dll `#r` finds, the file that they
/// read, which on every machine has to begin with what the README shows, and the echo server's listener and client.
module Uring.Tests.Linux.ReadmeTests

open System
open System.IO
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto
open Uring.Tests.Linux.Observe

/// A program, and the output that is printed below it.
type private Example = { Program: string; Output: string }

let private readme = lazy (File.ReadAllText(Sdk.inRoot "README.md"))

/// The first block in this language, and the `text` block after it.
let private first language =
    let pattern = $"```{language}\n(?<program>.*?)```.*?```text\n(?<output>.*?)```"
    let found = Regex.Match(readme.Value, pattern, RegexOptions.Singleline)
    Expect.isTrue found.Success $"README.md has a {language} block with a text block after it"

    {
        Program = found.Groups["program"].Value
        Output = found.Groups["output"].Value.TrimEnd()
    }

let private limit = TimeSpan.FromMinutes 2.0

/// Runs `dotnet` in a folder; what it printed.
let private run folder (arguments: string list) =
    task {
        use child = Sdk.start folder Sdk.dotnet arguments
        let! struct (exitCode, output, errors) = Sdk.ended limit child
        Expect.equal exitCode 0 $"{output}\n{errors}"
        return output
    }

let private built name = Path.Combine(AppContext.BaseDirectory, name)

let private project =
    let references =
        [ "Uring"; "Uring.Core"; "FSharp.Core" ]
        |> List.map (fun name -> $"""<Reference Include="{name}" HintPath="{built name}.dll" />""")
        |> String.concat "\n"

    $"""<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net{Environment.Version.Major}.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <Nullable>enable</Nullable>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
  </PropertyGroup>
  <ItemGroup>
    {references}
  </ItemGroup>
</Project>"""

/// The C# block that defines this method.
let private defining (method': string) =
    Regex.Matches(readme.Value, "```csharp\n(?<program>.*?)```", RegexOptions.Singleline)
    |> Seq.map _.Groups["program"].Value
    |> Seq.find _.Contains($" {method'}(")

/// What the echo server needs around it: a listener, and somebody who sends more than one buffer and compares.
let private echoClient =
    """using System.Net;
using System.Net.Sockets;
using Uring;

await using var listener = await UringListener.ListenAsync(new IPEndPoint(IPAddress.Loopback, 0));
_ = Task.Delay(20_000).ContinueWith(_ => Environment.Exit(2));

_ = Task.Run(async () =>
{
    try
    {
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndPoint);
        var sent = new byte[1_000_000];
        Random.Shared.NextBytes(sent);
        var received = new byte[sent.Length];
        var sending = client.GetStream().WriteAsync(sent).AsTask();
        await client.GetStream().ReadExactlyAsync(received);
        await sending;
        Console.WriteLine(sent.AsSpan().SequenceEqual(received) ? "echoed" : "corrupted");
        Environment.Exit(0);
    }
    catch (Exception reason)
    {
        Console.WriteLine(reason);
        Environment.Exit(1);
    }
});

"""

/// Puts a file with the printed output in the place of the one that the program reads.
let private onOwnInput folder example =
    let input = Path.Combine(folder, "input")
    File.WriteAllText(input, example.Output + " and what the program leaves out\n")
    example.Program.Replace("/etc/os-release", input)

/// Builds the program, and what it printed.
let private runCSharp folder (program: string) =
    task {
        File.WriteAllText(Path.Combine(folder, "Program.cs"), program)
        File.WriteAllText(Path.Combine(folder, "Readme.csproj"), project)
        let! _ = run folder [ "build"; "-v"; "quiet"; "--nologo" ]

        return!
            run folder [
                Path.Combine(folder, "bin/Debug", $"net{Environment.Version.Major}.0", "Readme.dll")
            ]
    }

let private runs name (body: string -> Task<unit>) = testCaseTask name (fun () -> inFolder body)

[<Tests>]
let tests =
    testSequenced
    <| testList "README" [
        testCase "the first C# program has at most 8 lines" (fun () ->
            let lines = (first "csharp").Program.TrimEnd().Split('\n')
            Expect.isLessThanOrEqual lines.Length 8 "lines")

        runs "the first C# program prints what is printed" (fun folder ->
            task {
                let example = first "csharp"
                let! output = runCSharp folder (onOwnInput folder example)
                Expect.equal output example.Output "output"
            })

        runs "the echo server in C# echoes" (fun folder ->
            task {
                let! output = runCSharp folder (echoClient + defining "EchoAsync")
                Expect.equal output "echoed" "a million bytes"
            })

        runs "the first F# program prints what is printed" (fun folder ->
            task {
                let example = first "fsharp"
                let program = Sdk.withThisBuild (onOwnInput folder example)
                File.WriteAllText(Path.Combine(folder, "readme.fsx"), program)
                let! output = run folder [ "fsi"; "readme.fsx" ]
                Expect.equal output example.Output "output"
            })
    ]
