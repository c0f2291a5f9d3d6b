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
    ]
