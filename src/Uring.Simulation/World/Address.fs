// Socket addresses: the bytes that a program passes, and what they say. Source: man ip(7), ipv6(7), unix(7).
namespace Uring.Simulation.World

open System
open System.Buffers.Binary
open System.Net
open System.Text
open Uring.Model

/// What a sockaddr says.
///
/// Laws
///  1. the bytes of an address say that address again
///  2. what is too short or too long for its family, or of none that is known, is refused and not misread
///  3. different addresses have different bytes: a path is no abstract name
[<RequireQualifiedAccess>]
type internal Address =
    /// AF_UNSPEC: drops a connection.
    | Unspecified
    /// AF_INET or AF_INET6; the address as text, which is what it is compared by.
    | Internet of family: int * address: string * port: int
    /// AF_UNIX: a path, an abstract name (it begins with a zero character), or nothing.
    | Unix of name: string

[<RequireQualifiedAccess>]
module internal Address =

    let private unix = 1
    let private inet = 2
    let private inet6 = 10

    let parse (bytes: byte array) : Result<Address, Errno> =
        if bytes.Length < 2 then
            Error Errno.EINVAL
        else
            let family = int (BinaryPrimitives.ReadUInt16LittleEndian(ReadOnlySpan bytes))

            let port () = int (BinaryPrimitives.ReadUInt16BigEndian(ReadOnlySpan(bytes, 2, 2)))

            if family = 0 then
                Ok Address.Unspecified
            elif family = unix && bytes.Length > 110 then
                Error Errno.EINVAL
            elif family = unix then
                let name = ReadOnlySpan(bytes, 2, bytes.Length - 2)
                // A path ends at its first zero; an abstract name begins with one and ends where the bytes end.
                let zero = if name.Length > 0 && name[0] = 0uy then -1 else name.IndexOf 0uy
                Ok(Address.Unix(Encoding.Latin1.GetString(if zero < 0 then name else name.Slice(0, zero))))
            elif family = inet && bytes.Length >= 16 then
                Ok(Address.Internet(inet, IPAddress(ReadOnlySpan(bytes, 4, 4)).ToString(), port ()))
            elif family = inet6 && bytes.Length >= 24 then
                Ok(Address.Internet(inet6, IPAddress(ReadOnlySpan(bytes, 8, 16)).ToString(), port ()))
            elif family = inet || family = inet6 then
                Error Errno.EINVAL
            else
                Error Errno.EAFNOSUPPORT

    /// The sockaddr bytes.
    let bytes (address: Address) : byte array =
        match address with
        | Address.Unspecified -> Array.zeroCreate 16
        | Address.Unix "" -> [| byte unix; 0uy |]
        | Address.Unix name ->
            let tail = if name[0] = '\000' then [||] else [| 0uy |]
            Array.concat [ [| byte unix; 0uy |]; Encoding.Latin1.GetBytes name; tail ]
        | Address.Internet(family, address, port) ->
            let bytes = Array.zeroCreate<byte>(if family = inet then 16 else 28)
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(), uint16 family)
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan 2, uint16 port)
            let number = IPAddress.Parse(address).GetAddressBytes()
            number.CopyTo(bytes, (if family = inet then 4 else 8))
            bytes

    let family (address: Address) =
        match address with
        | Address.Unspecified -> 0
        | Address.Unix _ -> unix
        | Address.Internet(family, _, _) -> family

    /// Every address of a machine.
    let wildcard (family: int) = if family = inet6 then "::" else "0.0.0.0"

    /// The name of a socket that was not bound.
    let unbound (family: int) : Address =
        if family = unix then Address.Unix "" else Address.Internet(family, wildcard family, 0)

    /// What never leaves a machine.
    let loopback (family: int) = if family = inet6 then "::1" else "127.0.0.1"

    let tell (address: Address) : string =
        match address with
        | Address.Unspecified -> "nowhere"
        | Address.Unix "" -> "unnamed"
        | Address.Unix name -> name.Replace('\000', '@')
        | Address.Internet(_, address, port) -> $"{address}:{port}"
