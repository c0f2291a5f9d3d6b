module Uring.Laws.CompletionLaws

open System
open System.Buffers.Binary
open System.Runtime.InteropServices
open Expecto
open Uring.Model

/// Sixteen bytes as the kernel would write them, from numbers that FsCheck can shrink.
let private bytesOf (userData: uint64) (result: int) (flags: uint32) =
    let bytes = Array.zeroCreate 16
    BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan 0, userData)
    BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan 8, result)
    BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan 12, flags)
    bytes

let private read (bytes: byte array) = MemoryMarshal.Read<Completion>(ReadOnlySpan bytes)

let private completion result flags = read (bytesOf 0UL result flags)

/// All that can be asked of a completion.
let private decode completion = [
    Completion.more completion
    Completion.notification completion
    Completion.hasBuffer completion
    Completion.bufferMore completion
    Completion.nonEmpty completion
]

let private results = [ Int32.MinValue; -4095; -125; -105; -1; 0; 1; 4096; Int32.MaxValue ]

[<Tests>]
let laws =
    testList "Completion" [
        testProperty "1. total: every 128-bit pattern decodes to something"
        <| fun (userData: uint64) (result: int) (flags: uint32) ->
            let completion = read (bytesOf userData result flags)
            let bit number = flags / (1u <<< number) % 2u = 1u

            completion.UserData.Bits = userData
            && completion.Result = result
            && decode completion = [ bit 1; bit 3; bit 0; bit 4; bit 2 ]
            && sizeof<Completion> = 16

        testProperty "1. ... and loses none of its 16 bytes"
        <| fun (seed: int) ->
            let bytes = Array.zeroCreate 16
            Random(seed).NextBytes bytes
            let completion = read bytes

            let rebuilt = {
                UserData = completion.UserData
                Result = completion.Result
                Flags = completion.Flags
            }

            let written = Array.zeroCreate 16
            MemoryMarshal.Write(Span written, &rebuilt)
            written = bytes

        testProperty "2. a completion is either bytes or an error, never both"
        <| fun (result: int) (flags: uint32) ->
            match completion result flags with
            | Completion.Succeeded bytes -> result >= 0 && bytes = result
            | Completion.Failed errno -> result < 0 && -(int errno) = result

        test "2. ... at the edges too" {
            for result in results do
                match completion result 0u with
                | Completion.Succeeded bytes ->
                    Expect.isTrue (result >= 0 && bytes = result) $"{result} succeeded"
                | Completion.Failed errno ->
                    Expect.isTrue (result < 0 && -(int errno) = result) $"{result} failed"
        }

        test "3. only the MORE bit says whether more completions follow" {
            for result in results do
                for bit in 0..31 do
                    let alone = completion result (1u <<< bit)
                    let others = completion result ~~~(1u <<< bit)
                    Expect.equal (Completion.more alone) (bit = 1) $"result {result}, only bit {bit}"
                    Expect.equal (Completion.more others) (bit <> 1) $"result {result}, all but bit {bit}"
        }

        test "4. a buffer id is there exactly when the BUFFER bit is set, whatever the result is" {
            for result in results do
                for id in [ 0us; 1us; 0x7FFFus; 0x8000us; 0xFFFFus ] do
                    for rest in [ 0u; 0x2u; 0x4u; 0x8u; 0x10u; 0xFFFEu ] do
                        let flags = uint32 id * 65536u + rest
                        let context = $"result {result}, flags 0x{flags:x}"
                        let bufferId flags = Completion.bufferId (completion result flags)
                        Expect.equal (bufferId (flags + 1u)) (ValueSome id) context
                        Expect.equal (bufferId flags) ValueNone context
        }

        test "5. a result with its hint comes apart into both; an error has none" {
            for result in [ 0; 1; 4096; Hint.Most - 1; Hint.Most ] do
                for flags in [ 0u; 0x4u; 0xFFFB_FFFBu; 0xFFFF_FFFFu ] do
                    let struct (count, isMore) = Hint.ofResult (Hint.pack (completion result flags))
                    Expect.equal (count, isMore) (result, flags / 4u % 2u = 1u) $"{result}, 0x{flags:x}"

            for result in [ Int32.MinValue; -4095; -1 ] do
                Expect.equal (Hint.pack (completion result 0x4u)) result $"{result}"
        }
    ]
