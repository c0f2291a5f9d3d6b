module Uring.Laws.NotificationLaws

open System
open System.Buffers.Binary
open System.Text
open Expecto
open Uring.Model

/// As the kernel writes it: the name, a zero, and more of them up to `padding` headers.
let private write (said: Notification) (padding: int) : byte array =
    let name = Encoding.UTF8.GetBytes said.Name
    let room = if name.Length = 0 then 0 else ((name.Length + 16) / 16 + padding) * 16
    let bytes = Array.zeroCreate<byte>(16 + room)
    let onDirectory = if said.IsDirectory then 0x4000_0000u else 0u
    BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan 0, said.Watch)
    BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan 4, uint32 said.Events ||| onDirectory)
    BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan 8, said.Cookie)
    BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan 12, room)
    name.CopyTo(bytes, 16)
    bytes

let private said (watch, mask: uint16, cookie, isDirectory, name: string | null) =
    let letters =
        match name with
        | null -> ""
        | name -> name |> String.filter (fun letter -> letter <> '\000' && not (Char.IsSurrogate letter))

    {
        Watch = watch
        Events = enum<WatchEvents>(int mask &&& 0xEFFF)
        Cookie = cookie
        IsDirectory = isDirectory
        Name = letters
    }

[<Tests>]
let laws =
    testList "Notification" [
        testProperty
            "1. what was written is read: any number of events, names of any length, with any padding, in any script"
        <| fun (given: ((int * uint16 * uint32 * bool * (string | null)) * byte) list) ->
            let events = given |> List.map (fun (one, padding) -> said one, int padding % 4)
            let bytes = events |> List.map (fun (one, padding) -> write one padding) |> Array.concat
            Notification.read (ReadOnlySpan bytes) = List.map fst events

        test "1. ... bytes of Linux 6.18: a directory named \"ä\" was made" {
            let bytes =
                Convert.FromHexString(
                    "01000000" + "00010040" + "00000000" + "10000000" + "C3A4" + String('0', 28)
                )

            Expect.equal
                (Notification.read (ReadOnlySpan bytes))
                [
                    { Watch = 1; Events = WatchEvents.Created; Cookie = 0u; IsDirectory = true; Name = "ä" }
                ]
                "event"
        }

        testProperty "2. total: of bytes that are cut off, the whole events before the cut are read"
        <| fun (given: (int * uint16 * uint32 * bool * (string | null)) list) (cut: uint16) ->
            let written = given |> List.map (fun one -> said one, write (said one) 0)
            let bytes = written |> List.map snd |> Array.concat
            let cut = if bytes.Length = 0 then 0 else int cut % (bytes.Length + 1)
            let ends = written |> List.scan (fun at (_, bytes) -> at + bytes.Length) 0 |> List.tail
            let whole = ends |> List.filter (fun at -> at <= cut) |> List.length
            Notification.read (ReadOnlySpan(bytes, 0, cut)) = (given |> List.truncate whole |> List.map said)

        testProperty "2. ... and of any bytes"
        <| fun (bytes: byte array) -> (Notification.read (ReadOnlySpan bytes)).Length <= bytes.Length / 16
    ]
