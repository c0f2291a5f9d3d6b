module Uring.Laws.CatalogueLaws

open System
open Expecto
open Uring.Model

let private rows = Catalogue.rows

/// "5.19" as something to compare.
let private version (text: string) = Version.Parse text

let private fieldsOf (submission: Submission) = [
    Field.Offset, submission.Offset <> 0UL
    Field.Address, submission.Address <> 0UL
    Field.Length, submission.Length <> 0u
    Field.OpFlags, submission.OpFlags <> 0u
    Field.Priority, submission.Priority <> 0us
    Field.FileIndex, submission.FileIndex <> 0u
    Field.Address3, submission.Address3 <> 0UL
]

[<Tests>]
let laws =
    testList "Catalogue" [
        testCase "1. every opcode has one row, under its own number" (fun () ->
            let opcodes = Enum.GetValues<Opcode>() |> List.ofArray
            Expect.equal (rows |> List.map _.Opcode) opcodes "in their order"
            Expect.equal (rows |> List.map (_.Opcode >> int)) [ 0 .. rows.Length - 1 ] "by number"
            Expect.equal (rows |> List.distinctBy _.Name |> List.length) rows.Length "names of their own"

            for row in rows do
                Expect.equal (Catalogue.tryFind row.Opcode) (ValueSome row) row.Name

            Expect.equal
                (Catalogue.tryFind (LanguagePrimitives.EnumOfValue 250uy))
                ValueNone
                "no such opcode"

            Expect.equal
                (Catalogue.since (LanguagePrimitives.EnumOfValue 250uy))
                "a newer kernel"
                "nor kernel"

            Expect.isFalse (Catalogue.createsDescriptor (LanguagePrimitives.EnumOfValue 250uy)) "nor result")

        testCase "2. the first kernels ascend with the numbers" (fun () ->
            for one, next in List.pairwise rows do
                Expect.isLessThanOrEqual (version one.Since) (version next.Since) next.Name)

        testCase "3. a constructor fills no field that its opcode's row does not name" (fun () ->
            for name, submission, _ in SubmissionLaws.constructors do
                for field, isFilled in fieldsOf submission do
                    if isFilled then
                        Expect.isTrue (Catalogue.uses field submission.Opcode) $"{name}: {field}")

        testCase
            "4. a form that came later than its opcode says when: multishot, buffers of a group"
            (fun () ->
                for row in rows do
                    for since in [ row.Multishot; row.Groups ] do
                        if since <> "" then
                            Expect.isGreaterThanOrEqual (version since) (version row.Since) row.Name)

        testCase
            "5. what socket(7) and its pages have a call for works on sockets, and what goes through the ring's table on either"
            (fun () ->
                let calls = [
                    "ACCEPT"
                    "BIND"
                    "CONNECT"
                    "LISTEN"
                    "RECV"
                    "RECVMSG"
                    "SEND"
                    "SENDMSG"
                    "SHUTDOWN"
                    "SOCKET"
                ]

                for row in rows do
                    let name = if row.Name.EndsWith "_ZC" then row.Name[.. row.Name.Length - 4] else row.Name

                    let expected =
                        if List.contains name calls then Realm.Sockets
                        elif row.Opcode = Opcode.InstallFixed then Realm.Either
                        else Realm.Files

                    Expect.isTrue (row.Realm = expected) row.Name
                    Expect.equal (Catalogue.isOfSocket false row.Opcode) (row.Realm = Realm.Sockets) row.Name
                    Expect.equal (Catalogue.isOfSocket true row.Opcode) (row.Realm <> Realm.Files) row.Name

                Expect.isFalse
                    (Catalogue.isOfSocket true (LanguagePrimitives.EnumOfValue 250uy))
                    "no such opcode")

        testCase "6. an opcode stands for a multishot form if it is as new, or newer" (fun () ->
            for row in rows do
                if row.Multishot <> "" then
                    let sign = Catalogue.since row.MultishotSign
                    let isInItself = row.MultishotSign = row.Opcode

                    // Poll's came two years before any kernel that the library takes, and no opcode with it.
                    Expect.isTrue (isInItself || version sign >= version row.Multishot) row.Name
                else
                    Expect.equal row.MultishotSign row.Opcode row.Name)

        testCase "7. which slot is the source, or takes the result, says the file index" (fun () ->
            for row in rows do
                for place in [ Slots.Source; Slots.Result ] do
                    if Catalogue.takesSlot place row.Opcode then
                        Expect.isTrue (Catalogue.uses Field.FileIndex row.Opcode) row.Name

            // By hand from kernel.md 1.1, column FF.
            let targets = [
                for row in rows do
                    if Catalogue.takesSlot Slots.Target row.Opcode then int row.Opcode
            ]

            Expect.equal
                targets
                [
                    yield! [ 1..6 ]
                    yield! [ 8; 9; 10; 13; 16; 17; 22; 23; 24; 26; 27; 30; 33; 34; 40; 41; 43 ]
                    yield! [ 46; 47; 48; 49; 54; 55; 56; 57; 58; 59; 60; 61 ]
                ]
                "IOSQE_FIXED_FILE"

            Expect.isFalse
                (Catalogue.takesSlot Slots.Target (LanguagePrimitives.EnumOfValue 250uy))
                "no such opcode")

        testCase
            "8. what a result counts in bytes goes into memory by READ, RECV and GETXATTR, out of it by WRITE and SEND, else nowhere"
            (fun () ->
                let wayOf (row: OperationRow) =
                    let says (word: string) = row.Name.Contains(word, StringComparison.Ordinal)

                    if row.Meaning <> Meaning.Bytes then Flow.Nowhere
                    elif says "READ" || says "RECV" || says "GETXATTR" then Flow.In
                    elif says "WRITE" || says "SEND" then Flow.Out
                    else Flow.Nowhere

                for row in rows do
                    Expect.isTrue (row.Flow = wayOf row) row.Name
                    Expect.isTrue (not row.Transfers || row.Flow <> Flow.Nowhere) $"{row.Name}: memory")

        testCase "an I/O priority is for reads and writes of files alone" (fun () ->
            // By hand from kernel.md 1.1: READV to WRITE_FIXED, READ, WRITE, READV_FIXED, WRITEV_FIXED.
            let takers = [
                for opcode in Enum.GetValues<Opcode>() do
                    if Catalogue.takesPriority opcode then int opcode
            ]

            Expect.equal takers [ 1; 2; 4; 5; 22; 23; 60; 61 ] "opcodes"
            Expect.isFalse (Catalogue.takesPriority (LanguagePrimitives.EnumOfValue 250uy)) "no such opcode")
    ]
