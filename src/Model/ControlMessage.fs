// Decides how control messages lie in the control data of a message: struct cmsghdr lists. Knows no socket and no handle:
// descriptors are numbers here. Tested in ControlMessageLaws.fs. Source: man cmsg(3), man unix(7).
namespace Uring.Model

open System
open System.Buffers.Binary

/// Who sent a message, as the kernel vouches for it: struct ucred.
[<Struct>]
type Credentials = { ProcessId: int; UserId: uint32; GroupId: uint32 }

/// One entry of a message's control data.
///
/// Laws
///  1. what was encoded decodes to the same entries in the same order
///  2. every entry starts at a multiple of 8, and all of them fill their room exactly
///  3. total: of any bytes the whole entries in front are decoded, and what is cut or no entry ends the list
///  4. an entry of descriptors that was cut decodes to those that are whole
///  5. the places of descriptors are where their numbers are, in their order
[<RequireQualifiedAccess>]
type ControlMessage =
    /// Numbers of open descriptors (SCM_RIGHTS).
    | Descriptors of int list
    /// Who sent it (SCM_CREDENTIALS).
    | Credentials of Credentials
    /// Any other: the protocol's level, its own number for the kind, and the bytes.
    | Raw of level: int * kind: int * data: byte array

/// To and from bytes; see `ControlMessage` for the laws.
[<RequireQualifiedAccess>]
module ControlMessage =

    /// Bytes of struct cmsghdr: length @0 (8 bytes, of header and data), level @8, kind @12.
    [<Literal>]
    let HeaderSize = 16

    /// SCM_MAX_FD: descriptors that one message takes at most.
    [<Literal>]
    let MostDescriptors = 253

    [<Literal>]
    let private SocketLevel = 1

    [<Literal>]
    let private Rights = 1

    [<Literal>]
    let private Credential = 2

    [<Literal>]
    let private CredentialSize = 12

    let private aligned length = (length + 7) &&& ~~~7

    /// Room that an entry with so many bytes of data takes: CMSG_SPACE.
    let room (dataLength: int) = HeaderSize + aligned dataLength

    /// Room for an entry of so many descriptors.
    let roomForDescriptors (count: int) = room (4 * count)

    /// Room for an entry of credentials.
    let roomForCredentials = room CredentialSize

    let private entry (level: int) (kind: int) (data: byte array) =
        Array.concat [
            BitConverter.GetBytes(int64 (HeaderSize + data.Length))
            BitConverter.GetBytes level
            BitConverter.GetBytes kind
            data
            Array.zeroCreate (aligned data.Length - data.Length)
        ]

    /// Its level, its kind and its bytes.
    let parts (message: ControlMessage) : struct (int * int * byte array) =
        match message with
        | ControlMessage.Descriptors numbers ->
            let data = numbers |> List.map (fun (number: int) -> BitConverter.GetBytes number)
            struct (SocketLevel, Rights, Array.concat data)
        | ControlMessage.Credentials who ->
            let data = [
                BitConverter.GetBytes who.ProcessId
                BitConverter.GetBytes who.UserId
                BitConverter.GetBytes who.GroupId
            ]

            struct (SocketLevel, Credential, Array.concat data)
        | ControlMessage.Raw(level, kind, data) -> struct (level, kind, data)

    let private bytesOf (message: ControlMessage) =
        let struct (level, kind, data) = parts message
        entry level kind data

    /// As sendmsg(2) takes them.
    let encode (messages: ControlMessage list) : byte array = messages |> List.map bytesOf |> Array.concat

    let private word (bytes: ReadOnlySpan<byte>) (at: int) =
        BinaryPrimitives.ReadInt32LittleEndian(bytes.Slice at)

    let rec private numbers (data: ReadOnlySpan<byte>) (found: int list) =
        if data.Length < 4 then List.rev found else numbers (data.Slice 4) (word data 0 :: found)

    let private read (level: int) (kind: int) (data: ReadOnlySpan<byte>) =
        if level = SocketLevel && kind = Rights then
            ControlMessage.Descriptors(numbers data [])
        elif level = SocketLevel && kind = Credential && data.Length = CredentialSize then
            ControlMessage.Credentials {
                ProcessId = word data 0
                UserId = uint32 (word data 4)
                GroupId = uint32 (word data 8)
            }
        else
            ControlMessage.Raw(level, kind, data.ToArray())

    let rec private entries (bytes: ReadOnlySpan<byte>) (found: ControlMessage list) =
        let said = if bytes.Length < HeaderSize then 0L else BinaryPrimitives.ReadInt64LittleEndian bytes

        if said < int64 HeaderSize || said > int64 bytes.Length then
            List.rev found
        else
            let length = int said
            let one = read (word bytes 8) (word bytes 12) (bytes.Slice(HeaderSize, length - HeaderSize))
            // The last one may come without its padding.
            entries (bytes.Slice(min bytes.Length (aligned length))) (one :: found)

    /// As recvmsg(2) gives them.
    let decode (bytes: ReadOnlySpan<byte>) : ControlMessage list = entries bytes []

    let rec private placesFrom (at: int) (bytes: ReadOnlySpan<byte>) (found: int list) =
        let left = bytes.Length - at

        let said = if left < HeaderSize then 0L else BinaryPrimitives.ReadInt64LittleEndian(bytes.Slice at)

        if said < int64 HeaderSize || said > int64 left then
            List.rev found
        else
            let isRights = word bytes (at + 8) = SocketLevel && word bytes (at + 12) = Rights
            let count = if isRights then (int said - HeaderSize) / 4 else 0
            let here = List.init count (fun index -> at + HeaderSize + 4 * index)
            placesFrom (at + min left (aligned (int said))) bytes (List.rev here @ found)

    /// Where the numbers of descriptors are in control data: 4 bytes each.
    let descriptorPlaces (bytes: ReadOnlySpan<byte>) : int list = placesFrom 0 bytes []

    /// All but descriptors.
    let withoutDescriptors (messages: ControlMessage list) : ControlMessage list =
        messages
        |> List.filter (fun message ->
            match message with
            | ControlMessage.Descriptors _ -> false
            | ControlMessage.Credentials _
            | ControlMessage.Raw _ -> true)

    /// All the descriptors among them, in their order.
    let descriptors (messages: ControlMessage list) : int list =
        messages
        |> List.collect (fun message ->
            match message with
            | ControlMessage.Descriptors numbers -> numbers
            | ControlMessage.Credentials _
            | ControlMessage.Raw _ -> [])
