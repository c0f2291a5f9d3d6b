module Uring.Laws.CutLaws

open Expecto
open Uring.Model

let private step slot flags =
    Submission.read 5 64UL 100u 0UL
    |> Submission.tagged (UserData.pack slot 1u CompletionKind.Operation)
    |> Submission.flagged flags

/// A chain of so many steps behind the one that was taken, and something that is not part of it.
let private chain length = [
    for index in 1..length do
        step (uint32 index) (if index = length then SqeFlags.None else SqeFlags.Link)

    step 99u SqeFlags.None
]

let private users (submissions: Submission list) = submissions |> List.map _.UserData.Bits

[<Tests>]
let tests =
    testList "Cut" [
        testProperty
            "1. a chain is cut when the last submission that was taken is linked to the first that was not"
        <| fun (length: byte) injects ->
            let left = chain (int length % 8 + 1)

            Cut.mend injects (step 0u SqeFlags.None) left = left
            && Cut.mend injects (step 0u SqeFlags.Link) left <> left
            && Cut.mend injects (step 0u SqeFlags.HardLink) left <> left

        testProperty "2. what is left of the chain ends as cancelled, each step with its own user data"
        <| fun (length: byte) ->
            let length = int length % 8 + 1
            let left = chain length
            let mended = Cut.mend true (step 0u SqeFlags.Link) left

            users mended = users left
            && mended
               |> List.take length
               |> List.forall (fun submission ->
                   submission.Opcode = Opcode.Nop
                   && submission.OpFlags = OpFlags.InjectResult
                   && int submission.Length = Errno.toResult Errno.ECANCELED)

        test "what is left of the chain ends as an error where a no-operation has no result" {
            for submission in Cut.mend false (step 0u SqeFlags.Link) (chain 3) |> List.take 3 do
                Expect.equal submission.Opcode Opcode.LinkTimeout "a limit of nothing"
                Expect.equal submission.Length 0u "which no kernel takes"
        }

        test "3. a time limit that came too late cancels what it should have bounded" {
            let limit =
                Submission.linkTimeout 64UL 0u
                |> Submission.tagged (UserData.pack 1u 1u CompletionKind.Operation)

            let bounded = step 0u SqeFlags.Link
            let mended = Cut.mend true bounded [ limit; step 2u SqeFlags.None ]
            let expected = Submission.cancel bounded.UserData |> Submission.tagged limit.UserData
            Expect.equal mended [ expected; step 2u SqeFlags.None ] "a cancel in its place"
        }

        testProperty "4. what comes behind the chain is left alone"
        <| fun (length: byte) injects ->
            let left = chain (int length % 8 + 1)
            List.last (Cut.mend injects (step 0u SqeFlags.Link) left) = List.last left
    ]
