// One line of a trace: numbers and a reference while the run goes on, words only when somebody asks.
namespace Uring.Simulation

open System
open Uring.Model
open Uring.Simulation.World

/// What one line of a trace is about.
type internal Happening =
    | Entered = 0
    | Submitted = 1
    | Completed = 2
    | Struck = 3
    | Noted = 4
    | Violated = 5
    /// A provided buffer was given to the kernel.
    | Given = 6
    /// A provided buffer, or a part of it, was taken for a completion.
    | Taken = 7

/// One line of a trace.
[<Struct; NoEquality; NoComparison>]
type internal Entry = {
    /// Nanoseconds of virtual time.
    Time: int64
    /// The ring's place among the trace's rings, or -1.
    Lane: int
    What: Happening
    Opcode: Opcode
    /// How it was submitted.
    How: SqeFlags
    UserData: uint64
    Result: int
    Flags: uint32
    /// Words, or the file: that one is asked for its name when the trace is told.
    mutable Subject: obj | null
}

/// A line in words, by its columns.
[<NoEquality; NoComparison>]
type internal Told = {
    /// "submit", "done", and so on; empty for what is merely noted.
    Verb: string
    Operation: string
    Result: string
    Note: string
}

[<RequireQualifiedAccess>]
module internal Entry =

    /// In the flags of a buffer's line, above the group: what was not taken of it stays with the kernel.
    [<Literal>]
    let KeepsRest = 0x1_0000u

    let private bare verb note = { Verb = verb; Operation = ""; Result = ""; Note = note }

    let private operation (userData: uint64) : string =
        let userData: UserData = { Bits = userData }

        match UserData.kind userData with
        | CompletionKind.Operation -> $"#{UserData.slot userData}.{UserData.generation userData}"
        | CompletionKind.CancelRequest -> $"of #{UserData.slot userData}.{UserData.generation userData}"
        | CompletionKind.Wake -> "wake"
        | CompletionKind.Message -> "message"
        | CompletionKind.Unknown -> $"0x{userData.Bits:x}"

    let private result (value: int) =
        if Errno.isError value then
            let errno: Errno = Errno.ofResult value
            errno.ToString()
        else
            value.ToString()

    let private flags (value: uint32) =
        String.Join(
            " ",
            [
                if value &&& uint32 CqeFlags.More <> 0u then "MORE"
                if value &&& uint32 CqeFlags.Notification <> 0u then "NOTIF"
                if value &&& uint32 CqeFlags.Buffer <> 0u then $"buffer {value >>> 16}"
                if value &&& uint32 CqeFlags.BufferMore <> 0u then "BUF_MORE"
                if value &&& uint32 CqeFlags.SocketNonEmpty <> 0u then "NONEMPTY"
            ]
        )

    /// On one line, whatever a file is called.
    let private oneLine (text: string) = text.ReplaceLineEndings(" ").Trim()

    let private subject (entry: Entry) : string =
        match entry.Subject with
        | null -> ""
        | :? OpenFile as file -> oneLine file.Name
        | :? string as text -> oneLine text
        | other -> other.GetType().Name

    /// What its `Length` counts is bytes.
    let private movesBytes (opcode: Opcode) =
        match opcode with
        | Opcode.Read
        | Opcode.ReadMultishot
        | Opcode.Write
        | Opcode.Send
        | Opcode.SendZeroCopy
        | Opcode.Receive
        | Opcode.Splice
        | Opcode.Tee -> true
        // An open set: for the rest it is a mode, a backlog, or nothing.
        | _ -> false

    /// "on 5, /log, 4096 bytes, linked".
    let private submitted (entry: Entry) : string =
        let has flag = (entry.How &&& flag) <> SqeFlags.None
        let subject = subject entry

        let descriptor =
            match entry.Opcode with
            // An address family, and nothing at all.
            | Opcode.Socket
            | Opcode.Pipe -> ""
            | _ when entry.Result < 0 -> ""
            | _ when has SqeFlags.FixedFile -> $"on slot {entry.Result}"
            | _ -> $"on {entry.Result}"

        String.Join(
            ", ",
            [
                if descriptor <> "" then descriptor
                if subject <> "" then subject
                if movesBytes entry.Opcode && not (has SqeFlags.BufferSelect) then $"{entry.Flags} bytes"
                if has SqeFlags.BufferSelect then "provided buffers"
                if has SqeFlags.Link || has SqeFlags.HardLink then "linked"
                if has SqeFlags.Drain then "drains"
                if has SqeFlags.Async then "by a worker"
                if has SqeFlags.SkipSuccess then "silent if it succeeds"
            ]
        )

    let private buffer (entry: Entry) = $"buffer {entry.UserData} of group {uint16 entry.Flags}"

    /// In words.
    let tell (entry: Entry) : Told =
        match entry.What with
        | Happening.Entered -> bare "enter" $"{entry.Result} of {entry.Flags} submitted"
        | Happening.Submitted -> {
            Verb = "submit"
            Operation = $"{entry.Opcode} {operation entry.UserData}"
            Result = ""
            Note = submitted entry
          }
        | Happening.Completed -> {
            Verb = "done"
            Operation = $"{entry.Opcode} {operation entry.UserData}"
            Result = result entry.Result
            Note = flags entry.Flags
          }
        | Happening.Given -> bare "give" $"{buffer entry}, {entry.Result} bytes: the kernel has it"
        | Happening.Taken ->
            let owner = if entry.Flags < KeepsRest then "the program has it" else "the kernel keeps the rest"
            bare "take" $"{buffer entry}, {entry.Result} bytes: {owner}"
        | Happening.Struck ->
            let fault: Fault = enum entry.Result
            bare "fault" $"{fault} (number {entry.Flags})"
        | Happening.Violated -> bare "BROKEN" (subject entry)
        // An open set, as enumerations are: what is merely noted.
        | _ -> bare "" (subject entry)

    /// Microseconds with three digits.
    let time (entry: Entry) : string =
        (float entry.Time / 1000.0).ToString("F3", Globalization.CultureInfo.InvariantCulture)
