module Uring.Laws.RestrictionLaws

open System
open Expecto
open Uring.Model

/// Any operations, flags and registrations.
let private restriction (opcodes: byte list) (flags: byte) (registrations: byte list) : Restriction =
    let all = Enum.GetValues<RegisterOpcode>()

    {
        Opcodes = opcodes |> List.map (fun code -> LanguagePrimitives.EnumOfValue(code % 63uy)) |> Set.ofList
        Flags = LanguagePrimitives.EnumOfValue flags
        Registrations = registrations |> List.map (fun code -> all[int code % all.Length]) |> Set.ofList
    }

/// By hand: the first worker, cancelling, closing.
let private ownOpcodes = Set.ofList [ Opcode.Nop; Opcode.Cancel; Opcode.Close ]

/// By hand: everything that src/Driver registers without being asked for personalities or sizes.
let private ownRegistrations =
    set [ 4u; 13u; 15u; 16u; 17u; 19u; 20u; 21u; 22u; 23u; 24u; 25u; 26u; 27u; 29u; 30u ]
    |> Set.map LanguagePrimitives.EnumOfValue<uint32, RegisterOpcode>

[<Tests>]
let laws =
    testList "Restriction" [
        testProperty "1. what the library itself submits and registers is allowed, whatever else is"
        <| fun opcodes flags registrations ->
            let complete = Restriction.complete (restriction opcodes flags registrations)
            Expect.isTrue (Set.isSubset ownOpcodes complete.Opcodes) "operations"
            Expect.isTrue (Set.isSubset ownRegistrations complete.Registrations) "registrations"
            Expect.equal (complete.Flags &&& SqeFlags.Async) SqeFlags.Async "the first worker"

            for opcode in ownOpcodes do
                Expect.isFalse (Restriction.forbids (ValueSome complete) opcode) $"{opcode}"

        testProperty "2. everything else that is allowed was asked for, or belongs to it"
        <| fun opcodes flags registrations ->
            let asked = restriction opcodes flags registrations
            let complete = Restriction.complete asked
            let more = Set.difference (Set.difference complete.Opcodes asked.Opcodes) ownOpcodes

            let holds =
                asked.Opcodes.Contains Opcode.SendZeroCopy
                || asked.Opcodes.Contains Opcode.SendMessageZeroCopy

            let isConnect = asked.Opcodes.Contains Opcode.Connect
            let expected = if holds && not isConnect then Set.singleton Opcode.Connect else Set.empty
            Expect.equal more expected "operations"

            Expect.equal
                complete.Registrations
                (Set.union asked.Registrations ownRegistrations)
                "registrations"

            Expect.equal complete.Flags (asked.Flags ||| SqeFlags.Async) "flags"
            Expect.equal (Restriction.complete complete) complete "once is enough"

            for opcode in Enum.GetValues<Opcode>() do
                Expect.isFalse (Restriction.forbids ValueNone opcode) "a ring without restrictions"

                Expect.equal
                    (Restriction.forbids (ValueSome asked) opcode)
                    (not (complete.Opcodes.Contains opcode))
                    $"{opcode}"

        testProperty "3. the entries that the kernel gets say this, and nothing twice"
        <| fun opcodes flags registrations ->
            let asked = restriction opcodes flags registrations
            let entries = Restriction.entries asked |> Array.chunkBySize 16

            let ofSort (sort: byte) =
                entries |> Array.filter (fun entry -> entry[0] = sort) |> Array.map (fun entry -> entry[2])

            Expect.equal (ofSort 0uy) [| for it in asked.Registrations -> byte it |] "registrations"
            Expect.equal (ofSort 1uy) [| for it in asked.Opcodes -> byte it |] "operations"
            Expect.equal (ofSort 2uy) [| byte asked.Flags |] "flags"
            Expect.hasLength entries (asked.Registrations.Count + asked.Opcodes.Count + 1) "entries"

            for entry in entries do
                Expect.equal (entry[1], entry[3..]) (0uy, Array.zeroCreate 13) "reserved"

        testProperty
            "4. a kernel that does not know the newest registration (EINVAL) is asked without it, and never \
             without an operation"
        <| fun opcodes flags registrations (known: byte) ->
            let asked = Restriction.complete (restriction opcodes flags registrations)

            let isKnown (restriction: Restriction) =
                restriction.Registrations |> Set.forall (fun it -> uint32 it <= uint32 known)

            let rec ask (restriction: Restriction) =
                if isKnown restriction then
                    Some restriction
                else
                    match Restriction.older restriction Errno.EINVAL with
                    | ValueSome older -> ask older
                    | ValueNone -> None

            let expected = asked.Registrations |> Set.filter (fun it -> uint32 it <= uint32 known)
            Expect.equal (ask asked) (Some { asked with Registrations = expected }) "what it knows"
            Expect.equal (Restriction.older asked Errno.EBUSY) ValueNone "no other error is mended"

            Expect.equal
                (Restriction.older { asked with Registrations = Set.empty } Errno.EINVAL)
                ValueNone
                "an operation is not left out"
    ]
