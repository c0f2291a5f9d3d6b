// What happened in a simulated run: written down cheaply while it runs, told in words only when somebody asks.
namespace Uring.Simulation

open System.Collections.Generic
open System.Runtime.InteropServices
open System.Text
open Uring.Model

/// The trace of one run.
[<Sealed>]
type internal Trace(now: unit -> int64) =
    let entries = List<Entry>()
    let lanes = List<struct (string * int)>()
    // FNV-1a over the numbers of every entry: the same seed gives the same, byte for byte. Subjects are left out: they are
    // objects, and what they are called follows from the numbers.
    let mutable hash = 0xcbf2_9ce4_8422_2325UL
    let mutable submissions = 0L
    // The first kept ones tell what matters; a long run would fill the memory.
    let most = 100_000

    let mix (value: uint64) = hash <- (hash ^^^ value) * 0x0000_0100_0000_01b3UL

    let add (entry: Entry) =
        mix (uint64 entry.Time)
        mix (uint64 entry.Lane <<< 32 ||| uint64 (int entry.What) <<< 8 ||| uint64 entry.Opcode)
        mix entry.UserData
        mix (uint64 (uint32 entry.Result) <<< 32 ||| uint64 entry.Flags)

        if entries.Count < most then entries.Add entry

    let blank what = {
        Time = now ()
        Lane = -1
        What = what
        Opcode = Opcode.Nop
        How = SqeFlags.None
        UserData = 0UL
        Result = 0
        Flags = 0u
        Subject = null
    }

    let buffer what lane (group: uint16) (id: uint16) (bytes: int) keepsRest =
        add {
            blank what with
                Lane = lane
                UserData = uint64 id
                Result = bytes
                Flags = uint32 group ||| (if keepsRest then Entry.KeepsRest else 0u)
        }

    let laneName (lane: int) =
        let struct (machine, number) = lanes[lane]
        let struct (first, _) = lanes[0]
        let isAlone = lanes.TrueForAll(fun (struct (other, _)) -> other = first)
        if isAlone then $"ring {number}" else $"{machine} ring {number}"

    /// Submissions so far.
    member _.Submissions = submissions

    /// What tells one run from another.
    member _.Hash = hash

    member _.Entries = entries

    /// The names of the rings: of all that there were, by the descriptors that they had.
    member _.Lanes: string list = List.init lanes.Count laneName

    /// Where lines about this ring go.
    member _.Lane(machine: string, ring: int) : int =
        match lanes.IndexOf(struct (machine, ring)) with
        | -1 ->
            lanes.Add(struct (machine, ring))
            lanes.Count - 1
        | lane -> lane

    member _.Entered(lane: int, consumed: int, asked: uint32) =
        add { blank Happening.Entered with Lane = lane; Result = consumed; Flags = asked }

    /// The number of its line, for `About`.
    member _.Submitted(lane: int, submission: inref<Submission>) : int =
        submissions <- submissions + 1L

        add {
            blank Happening.Submitted with
                Lane = lane
                Opcode = submission.Opcode
                How = submission.Flags
                UserData = submission.UserData.Bits
                Result = submission.Fd
                Flags = submission.Length
        }

        // The last place may be another line's when there is no more room: then it is better to say nothing.
        if entries.Count < most then entries.Count - 1 else -1

    /// What the operation of this line works on, which is known only once it is issued: a file, or a path.
    member _.About(line: int, subject: obj | null) =
        if line >= 0 && not (isNull subject) then
            let entry = &CollectionsMarshal.AsSpan(entries)[line]
            entry.Subject <- subject

    member _.Completed(lane: int, opcode: Opcode, completion: inref<Completion>) =
        add {
            blank Happening.Completed with
                Lane = lane
                Opcode = opcode
                UserData = completion.UserData.Bits
                Result = completion.Result
                Flags = uint32 completion.Flags
        }

    /// A provided buffer is the kernel's.
    member _.Given(lane: int, group: uint16, id: uint16, bytes: int) =
        buffer Happening.Given lane group id bytes false

    /// So many bytes of a provided buffer are the program's as soon as it sees the completion.
    member _.Taken(lane: int, group: uint16, id: uint16, bytes: int, keepsRest: bool) =
        buffer Happening.Taken lane group id bytes keepsRest

    /// `number` is what `Spared` knows it by.
    member _.Struck(fault: Fault, number: int) =
        add { blank Happening.Struck with Result = int fault; Flags = uint32 number }

    member _.Noted(note: string) = add { blank Happening.Noted with Subject = note }

    member _.Violated(note: string) = add { blank Happening.Violated with Subject = note }

    /// For people: one line per entry, the last `count` of them.
    member this.Tell(count: int) : string =
        let names = this.Lanes
        let width = names |> List.fold (fun width name -> max width name.Length) 0
        let names = names |> List.map _.PadRight(width) |> Array.ofList
        let elsewhere = "".PadRight width
        let text = StringBuilder()
        let first = max 0 (entries.Count - count)

        if first > 0 then text.AppendLine($"... {first} lines before") |> ignore

        for index in first .. entries.Count - 1 do
            let entry = entries[index]
            let told = Entry.tell entry

            let words = [
                if told.Operation <> "" then told.Operation
                if told.Result <> "" then "= " + told.Result
                if told.Note <> "" then (if told.Operation = "" then told.Note else " " + told.Note)
            ]

            let verb = if told.Verb = "" then "" else told.Verb.PadRight 8

            text
                .Append((Entry.time entry).PadLeft 12)
                .Append(" µs  ")
                .Append(if entry.Lane < 0 then elsewhere else names[entry.Lane])
                .Append("  ")
                .Append(verb)
                .AppendJoin(" ", words)
                .AppendLine()
            |> ignore

        text.ToString()
