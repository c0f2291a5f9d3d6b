module Uring.Laws.SyncCancelLaws

open System
open System.Buffers.Binary
open Expecto
open FsCheck
open Uring.Model

let private word (argument: byte array) offset =
    BinaryPrimitives.ReadInt64LittleEndian(ReadOnlySpan(argument, offset, 8))

[<Tests>]
let laws =
    testList "SyncCancel" [
        testProperty
            "1. the argument names one operation by its user data, whatever that is, and nothing else"
        <| fun (bits: uint64) (NonNegativeInt seconds) ->
            let argument = SyncCancel.ofUserData { Bits = bits } (TimeSpan.FromSeconds(float seconds))
            Expect.hasLength argument 64 "struct io_uring_sync_cancel_reg"
            Expect.equal (uint64 (word argument 0)) bits "addr"
            Expect.equal (BinaryPrimitives.ReadInt32LittleEndian(ReadOnlySpan(argument, 8, 4))) -1 "fd"
            Expect.equal (BinaryPrimitives.ReadInt32LittleEndian(ReadOnlySpan(argument, 12, 4))) 0 "flags"
            Expect.all argument[32..] ((=) 0uy) "opcode and padding"

        testProperty "2. its time is the limit, in whole nanoseconds, and never less"
        <| fun (NonNegativeInt ticks) ->
            let argument = SyncCancel.ofUserData { Bits = 1UL } (TimeSpan.FromTicks(int64 ticks))
            let told = word argument 16 * 1_000_000_000L + word argument 24
            Expect.equal told (int64 ticks * 100L) "nanoseconds"
            Expect.isLessThan (word argument 24) 1_000_000_000L "less than a second"

        test "3. every answer has a verdict, and only success is `Over`" {
            for result in -4095 .. 4 do
                let expected =
                    match result with
                    | -2 -> SyncCancelVerdict.Missed
                    | -62 -> SyncCancelVerdict.TimedOut
                    | -4 -> SyncCancelVerdict.Again
                    | _ when result < 0 -> SyncCancelVerdict.AskKernel
                    | _ -> SyncCancelVerdict.Over

                Expect.isTrue (SyncCancel.verdict result = expected) $"{result}"
        }
    ]
