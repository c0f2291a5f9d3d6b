// What the scripts have in common around their one idea: the library, the command line by Argu, and one line on
// stderr when something goes wrong. Exit codes: 0 done, 1 failed, 2 the command line was not understood.

#r "../artifacts/bin/Uring.Core/release/Uring.Core.dll"
#r "nuget: Argu, 6.1.1"

open System
open System.Diagnostics
open System.IO
open System.Threading
open Argu
open Uring.Driver
open Uring.FSharp

/// "cp.fsx", say.
let name = Path.GetFileName fsi.CommandLineArgs[0]

/// What has gone wrong so far. A script may go on with the rest, and fails at its end.
let mutable complaints = 0

let complain (message: string) =
    complaints <- complaints + 1
    Console.Error.WriteLine $"{name}: {message}"

/// Ends the script over what its user wrote.
let refuse (message: string) =
    complain $"{message.TrimEnd '.'}. Try: dotnet fsi scripts/{name} -- --help"
    exit 2

/// A number from the command line that has its limits.
let within least most (name: string) (value: int) =
    if value < least || value > most then refuse $"{name} is a number from {least} to {most}"

    value

/// The command line. `dotnet fsi` keeps the `--` for itself.
let arguments<'Arguments when 'Arguments :> IArgParserTemplate> () : ParseResults<'Arguments> =
    let parser = ArgumentParser.Create<'Arguments>(programName = $"dotnet fsi scripts/{name} --")

    try
        parser.Parse(fsi.CommandLineArgs[1..])
    with :? ArguParseException as reason ->
        if reason.ErrorCode = ErrorCode.HelpText then
            Console.Out.WriteLine reason.Message
            exit 0

        refuse ((Array.head (reason.Message.Split '\n')).Replace("ERROR: ", ""))

/// `dotnet fsi` leaves a terminal in raw mode: no echo, and ^D is a character. For scripts that read the keyboard.
let keyboardByLines () =
    let mode = ProcessStartInfo("stty", "-F /dev/tty icanon echo icrnl")
    // All redirected: .NET would put its own mode back after a child that has the terminal.
    mode.RedirectStandardInput <- true
    mode.RedirectStandardOutput <- true
    mode.RedirectStandardError <- true
    use stty = Process.Start mode
    stty.WaitForExit()

/// Until Ctrl-C, which cancels the program with all that it has spawned, and waits for their end.
let untilInterrupted (program: Uring<unit>) (summary: unit -> string) : Uring<unit> =
    uring {
        let stop = new CancellationTokenSource()

        Console.CancelKeyPress.Add(fun key ->
            key.Cancel <- true
            stop.Cancel())

        try
            do! Uring.startOn LoopThread.Default stop.Token program
        with :? OperationCanceledException when stop.IsCancellationRequested ->
            Console.Out.WriteLine(summary ())
    }

/// Runs the script's program, and ends.
let main (program: Uring<unit>) =
    try
        Uring.run program
    with reason ->
        complain reason.Message

    exit (min 1 complaints)
