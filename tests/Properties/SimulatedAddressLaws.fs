module Uring.Laws.SimulatedAddressLaws

open System.Net
open Expecto
open Uring.Model
open Uring.Simulation.World

/// What an address is made of.
type Made =
    | Nowhere
    | Four of a: byte * b: byte * port: byte
    | Six of bytes: byte list * port: byte
    | Path of name: byte list
    | Abstract of name: byte list

/// A name of at most so many bytes.
let private name (bytes: byte list) isPath =
    bytes
    |> List.truncate 100
    |> List.map (fun it -> if isPath && it = 0uy then 1uy else it)
    |> List.map char
    |> List.toArray
    |> System.String

let private make made =
    match made with
    | Nowhere -> Address.Unspecified
    | Four(a, b, port) -> Address.Internet(2, IPAddress([| 10uy; a; b; 1uy |]).ToString(), int port * 251)
    | Six(bytes, port) ->
        let address = Array.append (List.toArray (List.truncate 16 bytes)) (Array.zeroCreate 16)
        Address.Internet(10, IPAddress(Array.truncate 16 address).ToString(), int port * 251)
    | Path bytes -> Address.Unix(name bytes true)
    | Abstract bytes -> Address.Unix("\000" + name bytes false)

[<Tests>]
let laws =
    testList "SimulatedAddress" [
        testProperty "1. the bytes of an address say that address again"
        <| fun (made: Made) -> Address.parse (Address.bytes (make made)) = Ok(make made)

        test
            "2. what is too short or too long for its family, or of none that is known, is refused and not misread" {
            for family, length in List.allPairs [ 0..16 ] [ 0..130 ] do
                let bytes = Array.create length 1uy

                if length >= 2 then
                    bytes[0] <- byte family
                    bytes[1] <- 0uy

                let wanted =
                    match family with
                    | _ when length < 2 -> Error Errno.EINVAL
                    | 0 -> Ok 0
                    | 1 -> if length <= 110 then Ok 1 else Error Errno.EINVAL
                    | 2 -> if length >= 16 then Ok 2 else Error Errno.EINVAL
                    | 10 -> if length >= 24 then Ok 10 else Error Errno.EINVAL
                    | _ -> Error Errno.EAFNOSUPPORT

                let parsed = Result.map Address.family (Address.parse bytes)
                Expect.equal parsed wanted $"family {family}, {length} bytes"
        }

        testProperty "3. different addresses have different bytes: a path is no abstract name"
        <| fun (one: Made) (other: Made) ->
            (make one = make other) = (Address.bytes (make one) = Address.bytes (make other))

        testProperty "3. ... even if their letters are the same"
        <| fun (bytes: byte list) ->
            Address.bytes (make (Path(64uy :: bytes))) <> Address.bytes (make (Abstract bytes))
    ]
