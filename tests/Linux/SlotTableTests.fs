/// The slot table against a reference that knows every use of every slot.
module Uring.Tests.Linux.SlotTableTests

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open Expecto
open Uring.Driver
open Uring.Model

[<Sealed>]
type private Guest(number: int) =
    member _.Number = number

let private completion userData flags = { UserData = userData; Result = 0; Flags = flags }

let private last userData = completion userData CqeFlags.None

/// Takes a slot, as far as the kernel.
let private begun (table: SlotTable<Guest>) number shape =
    let userData = table.Take(Guest number, shape)
    table.Published userData
    userData

let private completed (table: SlotTable<Guest>) (completion: Completion) = table.Completed &completion

/// A guest comes and goes. Not inlined: the caller's frame must not keep him.
[<MethodImpl(MethodImplOptions.NoInlining)>]
let private visit (table: SlotTable<Guest>) =
    let guest = Guest 1
    let userData = table.Take(guest, Shape.Single)
    table.Published userData
    completed table (last userData) |> ignore
    WeakReference guest

let private cases =
    testList "uses" [
        testCase "a stale completion reaches nobody after the slot is used again" (fun () ->
            let table = SlotTable<Guest> 1
            let first = begun table 1 Shape.Single
            let struct (guest, verdict) = completed table (last first)
            Expect.equal (guest.Number, verdict) (1, Verdict.Finish) "the first use ends"
            let second = begun table 2 Shape.Single
            Expect.equal (UserData.slot second) (UserData.slot first) "the same slot"
            let struct (stale, verdict) = completed table (last first)
            Expect.equal verdict Verdict.Violation "the stale one"
            Expect.isTrue (isNull (box stale)) "nobody"
            let struct (guest, verdict) = completed table (last second)
            Expect.equal (guest.Number, verdict) (2, Verdict.Finish) "the second use is unharmed")

        testCase
            "whoever lives in a slot is looked up by any user data, and nobody by what names no slot"
            (fun () ->
                let table = SlotTable<Guest> 1
                let first = begun table 1 Shape.Single
                Expect.equal (table.Neighbour first).Number 1 "the guest"
                completed table (last first) |> ignore
                let foreign = UserData.pack UInt32.MaxValue 0u CompletionKind.Wake

                for userData in [ first; UserData.none; foreign ] do
                    Expect.isTrue (isNull (box (table.Neighbour userData))) "nobody")

        testCase "a notification that comes after the end reaches nobody, and is no violation" (fun () ->
            let table = SlotTable<Guest> 1
            let first = begun table 1 Shape.ZeroCopy
            let ending = last first
            let struct (_, verdict) = completed table ending
            Expect.equal verdict Verdict.Finish "it was told that it never began"
            let second = begun table 2 Shape.ZeroCopy
            let late = { last first with Flags = CqeFlags.Notification }
            let struct (nobody, verdict) = completed table late
            Expect.equal verdict Verdict.Ignore "late"
            Expect.isTrue (isNull (box nobody)) "nobody"
            let ending = last second
            let struct (guest, verdict) = completed table ending
            Expect.equal (guest.Number, verdict) (2, Verdict.Finish) "the second use is unharmed")

        testCase "nothing that was never given out is live" (fun () ->
            let table = SlotTable<Guest> 2
            Expect.isFalse (table.IsLive UserData.none) "no user data"
            Expect.isFalse (table.IsLive(UserData.pack 7u 0u CompletionKind.Operation)) "outside the table"
            let struct (_, verdict) = completed table (last (UserData.pack 7u 0u CompletionKind.Operation))
            Expect.equal verdict Verdict.Violation "a completion from nowhere"

            Expect.equal
                (table.Cancelled(UserData.pack 7u 0u CompletionKind.Operation))
                Verdict.Ignore
                "cancel")

        testCase "grows, and keeps everybody where he is" (fun () ->
            let table = SlotTable<Guest> 2
            let names = [| for number in 1..1000 -> begun table number Shape.Single |]
            Expect.equal table.Live 1000 "all live"
            let slots = names |> Array.map UserData.slot |> Array.distinct
            Expect.equal slots.Length 1000 "each in a slot of its own"

            for index in 999..-1..0 do
                let struct (guest, verdict) = completed table (last names[index])
                Expect.equal (guest.Number, verdict) (index + 1, Verdict.Finish) "his own completion"

            Expect.equal table.Live 0 "none")

        testCase "keeps nobody alive once he has ended" (fun () ->
            let table = SlotTable<Guest> 1

            let weak = visit table

            GC.Collect()
            Expect.isFalse weak.IsAlive "collected"
            GC.KeepAlive table)

        testCase "a slot can be used 2^24 times before a name comes back" (fun () ->
            let table = SlotTable<Guest> 1
            let guest = Guest 1

            let use' () =
                let userData = table.Take(guest, Shape.Single)
                table.Published userData
                completed table (last userData) |> ignore
                userData.Bits

            let first = use' ()
            let mutable count = 1

            while use' () <> first do
                count <- count + 1

            Expect.equal count (1 <<< 24) "uses")
    ]

type Step =
    | Take of multishot: bool
    /// A completion for the use that is so many-th of all, live or not; with MORE or not.
    | Complete of pick: byte * more: bool
    | Cancel of pick: byte
    | Abandon of pick: byte

/// What the reference knows of a use.
type private Use = { Guest: int; IsMultishot: bool }

/// Plays the steps on the table and on a dictionary, and compares after each.
let private agrees capacity (steps: Step list) =
    let table = SlotTable<Guest> capacity
    let live = Dictionary<uint64, Use>()
    let cancelled = HashSet<uint64>()
    let all = List<UserData>()
    let pick (number: byte) = if all.Count = 0 then UserData.none else all[int number % all.Count]

    let expectCompleted (userData: UserData) more =
        let flags = if more then CqeFlags.More else CqeFlags.None
        let struct (guest, verdict) = completed table (completion userData flags)

        match live.TryGetValue userData.Bits with
        | false, _ ->
            Expect.equal verdict Verdict.Violation "nobody is waiting"
            Expect.isTrue (isNull (box guest)) "nobody"
        | true, known when more && not known.IsMultishot ->
            Expect.equal verdict Verdict.Violation "one completion only"
        | true, known ->
            Expect.equal guest.Number known.Guest "the right one"
            Expect.notEqual verdict Verdict.Violation "was waiting"

            if not more then live.Remove userData.Bits |> ignore

    for step in steps do
        match step with
        | Take multishot ->
            let number = all.Count
            let userData = begun table number (if multishot then Shape.Multishot else Shape.Single)
            Expect.isFalse (live.ContainsKey userData.Bits) "a new name"
            live[userData.Bits] <- { Guest = number; IsMultishot = multishot }
            all.Add userData
        | Complete(number, more) -> expectCompleted (pick number) more
        | Cancel number ->
            let userData = pick number

            let expected =
                if live.ContainsKey userData.Bits && cancelled.Add userData.Bits then
                    Verdict.AskKernel
                else
                    Verdict.Ignore

            Expect.equal (table.Cancelled userData) expected "asked once"
        | Abandon number -> table.Abandoned(pick number)

        Expect.equal table.Live live.Count "as many live"

        for userData in all do
            Expect.equal (table.IsLive userData) (live.ContainsKey userData.Bits) $"{userData.Bits:x}"

    let visited = HashSet<int>()
    table.ForEach(Action<Guest>(fun guest -> visited.Add guest.Number |> ignore))
    Expect.equal visited.Count live.Count "visits each that lives"

let private random =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with maxTest = 300; endSize = 200 }
        "any list of begins, completions, cancels and abandonments"
        (fun (steps: Step list) -> agrees 1 steps)

[<Tests>]
let tests = testList "SlotTable" [ cases; random ]
