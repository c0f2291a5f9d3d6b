/// A record of the log, and how to know a torn one.
module KeyValue.Record

open System
open System.Numerics
open System.Text

let private checksum (bytes: byte array) =
    ~~~(bytes |> Array.fold (fun crc (next: byte) -> BitOperations.Crc32C(crc, next)) ~~~0u)

/// A checksum of the rest (4 bytes), the key's length (4), the value's length (4), the key, the value.
let encode (key: string) (value: string) : byte array =
    let key, value = Encoding.UTF8.GetBytes key, Encoding.UTF8.GetBytes value

    let rest =
        Array.concat [ BitConverter.GetBytes key.Length; BitConverter.GetBytes value.Length; key; value ]

    Array.append (BitConverter.GetBytes(checksum rest)) rest

/// The key, the value and the length of the record that begins here; None if it is torn or the log ends.
let tryDecode (log: byte array) (start: int) : (string * string * int) option =
    let lengthAt position = BitConverter.ToUInt32(log, start + position)
    let text first length = Encoding.UTF8.GetString(log, start + first, int (length: uint32))

    // The lengths in a torn record can be anything: they may not lead out of the log.
    if log.Length - start < 12 then
        None
    else
        let length = 12L + int64 (lengthAt 4) + int64 (lengthAt 8)

        if length > int64 (log.Length - start) then None
        elif checksum log[start + 4 .. start + int length - 1] <> lengthAt 0 then None
        else Some(text 12 (lengthAt 4), text (12 + int (lengthAt 4)) (lengthAt 8), int length)
