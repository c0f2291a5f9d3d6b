// What happened in a simulated run: written down cheaply while it runs, told in words only when somebody asks.
namespace Uring.Simulation

open System
open System.Collections.Generic
open System.Text
open Uring.Model

/// What one line of a trace is about.
type internal Happening =
    | Entered = 0
    | Submitted = 1
    | Completed = 2
    | Struck = 3
    | Noted = 4
    | Violated = 5

/// One line of a trace.
[<Struct; NoEquality; NoComparison>]
type internal Entry = {
    /// Nanoseconds of virtual time.
    Time: int64
    /// The ring's descriptor, or -1.
    Ring: int
    What: Happening
    Opcode: Opcode
    UserData: uint64
    Result: int
    Flags: uint32
    Note: string | null
}

/// The trace of one run.
[<Sealed>]
type internal Trace(now: unit -> int64) =
    let entries = List<Entry>()
    // FNV-1a over the numbers of every entry: the same seed gives the same, byte for byte.
    let mutable hash = 0xcbf2_9ce4_8422_2325UL
    let mutable submissions = 0L
    // The first kept ones tell what matters; a long run would fill the memory.
    let most = 100_000

    let mix (value: uint64) = hash <- (hash ^^^ value) * 0x0000_0100_0000_01b3UL

    let add (entry: Entry) =
        mix (uint64 entry.Time)
        mix (uint64 entry.Ring <<< 32 ||| uint64 (int entry.What) <<< 8 ||| uint64 entry.Opcode)
        mix entry.UserData
        mix (uint64 (uint32 entry.Result) <<< 32 ||| uint64 entry.Flags)

        if entries.Count < most then entries.Add entry

    let blank what = {
        Time = now ()
        Ring = -1
        What = what
        Opcode = Opcode.Nop
        UserData = 0UL
        Result = 0
        Flags = 0u
        Note = null
    }

    let operation (userData: uint64) =
        let userData: UserData = { Bits = userData }

        match UserData.kind userData with
        | CompletionKind.Operation -> $"#{UserData.slot userData}.{UserData.generation userData}"
        | CompletionKind.CancelRequest ->
            $"cancel of #{UserData.slot userData}.{UserData.generation userData}"
        | CompletionKind.Wake -> "wake"
        | CompletionKind.Unknown -> $"0x{userData.Bits:x}"

    let result (value: int) =
        if Errno.isError value then
            let errno: Errno = Errno.ofResult value
            errno.ToString()
        else
            value.ToString()

    let flags (value: uint32) =
        let names = [
            if value &&& uint32 CqeFlags.More <> 0u then "MORE"
            if value &&& uint32 CqeFlags.Notification <> 0u then "NOTIF"
            if value &&& uint32 CqeFlags.Buffer <> 0u then $"buffer {value >>> 16}"
            if value &&& uint32 CqeFlags.BufferMore <> 0u then "BUF_MORE"
            if value &&& uint32 CqeFlags.SocketNonEmpty <> 0u then "NONEMPTY"
        ]

        if names.IsEmpty then "" else "  " + String.Join(" ", names)

    let line (entry: Entry) =
        let time = $"{float entry.Time / 1000.0, 12:F3} µs"
        let ring = if entry.Ring < 0 then "      " else $"ring {entry.Ring}"

        let note =
            match entry.Note with
            | null -> ""
            | note -> "  " + note

        let text =
            match entry.What with
            | Happening.Entered -> $"enter   {entry.Result} of {entry.Flags} submitted"
            | Happening.Submitted ->
                let target = if entry.Result < 0 then "" else $" on {entry.Result}"
                $"submit  {entry.Opcode} {operation entry.UserData}{target}, {entry.Flags} long{note}"
            | Happening.Completed ->
                $"done    {entry.Opcode} {operation entry.UserData} = {result entry.Result}{flags entry.Flags}{note}"
            | Happening.Struck -> $"fault   {note.Trim()}"
            | Happening.Violated -> $"BROKEN  {note.Trim()}"
            // An open set, as enumerations are: what is merely noted.
            | _ -> note.Trim()

        $"{time}  {ring}  {text}"

    /// Submissions so far.
    member _.Submissions = submissions

    /// What tells one run from another.
    member _.Hash = hash

    member _.Entries = entries

    member _.Entered(ring: int, consumed: int, asked: uint32) =
        add { blank Happening.Entered with Ring = ring; Result = consumed; Flags = asked }

    member _.Submitted(ring: int, submission: inref<Submission>, subject: string | null) =
        submissions <- submissions + 1L

        add {
            blank Happening.Submitted with
                Ring = ring
                Opcode = submission.Opcode
                UserData = submission.UserData.Bits
                Result = submission.Fd
                Flags = submission.Length
                Note = subject
        }

    member _.Completed(ring: int, opcode: Opcode, completion: inref<Completion>) =
        add {
            blank Happening.Completed with
                Ring = ring
                Opcode = opcode
                UserData = completion.UserData.Bits
                Result = completion.Result
                Flags = uint32 completion.Flags
        }

    member _.Struck(fault: Fault, where: string) =
        add { blank Happening.Struck with Result = int fault; Note = $"{fault}: {where}" }

    member _.Noted(note: string) = add { blank Happening.Noted with Note = note }

    member _.Violated(note: string) = add { blank Happening.Violated with Note = note }

    /// For people: one line per entry, the last `count` of them.
    member _.Tell(count: int) : string =
        let text = StringBuilder()
        let first = max 0 (entries.Count - count)

        if first > 0 then text.AppendLine($"... {first} lines before") |> ignore

        for index in first .. entries.Count - 1 do
            text.AppendLine(line entries[index]) |> ignore

        text.ToString()
