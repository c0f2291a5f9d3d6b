module Uring.Laws.ControlMessageLaws

open System
open Expecto
open Uring.Model

/// An entry from numbers that FsCheck makes up. Raw ones are of another level than those with a meaning.
let private entry (choice: byte) (words: int list) (data: byte array) =
    match int choice % 3, words with
    | 0, _ -> ControlMessage.Descriptors words
    | 1, one :: two :: three :: _ ->
        ControlMessage.Credentials { ProcessId = one; UserId = uint32 two; GroupId = uint32 three }
    | _ -> ControlMessage.Raw(41, int choice, data)

let private made (choices: (byte * int list * byte array) list) =
    choices |> List.map (fun (choice, words, data) -> entry choice words data)

let private decoded (bytes: byte array) = ControlMessage.decode (ReadOnlySpan bytes)

[<Tests>]
let laws =
    testList "ControlMessage" [
        testProperty "1. what was encoded decodes to the same entries in the same order"
        <| fun choices ->
            let entries = made choices
            decoded (ControlMessage.encode entries) = entries

        testProperty "2. every entry starts at a multiple of 8, and all of them fill their room exactly"
        <| fun choices ->
            let rooms = made choices |> List.map (fun one -> (ControlMessage.encode [ one ]).Length)

            rooms |> List.forall (fun room -> room % 8 = 0 && room >= ControlMessage.HeaderSize)
            && (ControlMessage.encode (made choices)).Length = List.sum rooms

        test "2. ... with the bytes that cmsg(3) has for one descriptor" {
            let bytes = ControlMessage.encode [ ControlMessage.Descriptors [ 7 ] ]

            let expected = [|
                yield! [| 20uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy |]
                yield! [| 1uy; 0uy; 0uy; 0uy; 1uy; 0uy; 0uy; 0uy |]
                yield! [| 7uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy |]
            |]

            Expect.equal bytes expected "struct cmsghdr, the number, padding"
            Expect.equal (ControlMessage.roomForDescriptors 1) 24 "CMSG_SPACE(4)"
            Expect.equal ControlMessage.roomForCredentials 32 "CMSG_SPACE(12)"
        }

        testProperty
            "3. total: of any bytes the whole entries in front are decoded, and what is cut or no entry ends the list"
        <| fun choices (cut: byte) (noise: byte array) ->
            let entries = made choices
            let bytes = ControlMessage.encode entries
            let found = decoded bytes[.. bytes.Length - 1 - int cut % (bytes.Length + 1)]
            decoded noise |> ignore
            List.length found <= List.length entries && found = List.take found.Length entries

        test "3. ... of the lengths that are none: too short, too long, negative" {
            for said in [ 0L; 15L; 25L; -1L; Int64.MaxValue; Int64.MinValue ] do
                let bytes = ControlMessage.encode [ ControlMessage.Descriptors [ 7 ] ]
                BitConverter.TryWriteBytes(bytes.AsSpan(), said) |> ignore
                Expect.isEmpty (decoded bytes) $"length {said}"
        }

        testProperty "4. an entry of descriptors that was cut decodes to those that are whole"
        <| fun (numbers: int list) (kept: byte) ->
            let bytes = ControlMessage.encode [ ControlMessage.Descriptors numbers ]
            // As the kernel cuts: it says the shorter length.
            let data = int kept % (4 * numbers.Length + 1)
            BitConverter.TryWriteBytes(bytes.AsSpan(), int64 (16 + data)) |> ignore

            ControlMessage.descriptors (decoded bytes[.. 15 + data]) = List.take (data / 4) numbers

        testProperty "5. the places of descriptors are where their numbers are, in their order"
        <| fun choices (noise: byte array) ->
            let agrees (bytes: byte array) =
                ControlMessage.descriptorPlaces (ReadOnlySpan bytes)
                |> List.map (fun place -> BitConverter.ToInt32(bytes, place))
                    =
                    ControlMessage.descriptors (decoded bytes)

            agrees (ControlMessage.encode (made choices)) && agrees noise

        test "5. ... and a part that is not whole has none" {
            let bytes = ControlMessage.encode [ ControlMessage.Descriptors [ 7; 8; 9 ] ]
            BitConverter.TryWriteBytes(bytes.AsSpan(), 16L + 10L) |> ignore
            Expect.equal (ControlMessage.descriptorPlaces (ReadOnlySpan bytes)) [ 16; 20 ] "two of three"
        }
    ]
