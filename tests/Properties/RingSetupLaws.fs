module Uring.Laws.RingSetupLaws

open System
open Expecto
open Uring.Model

/// By hand from io_uring_setup(2): what the kernel says of bits that it knows.
let private isTaken (flags: uint32) =
    let has bit = flags &&& bit <> 0u
    let iopoll, sqpoll, affinity = has 0x1u, has 0x2u, has 0x4u
    let cooperative, taskrunFlag, single, deferred = has 0x100u, has 0x200u, has 0x1000u, has 0x2000u

    not (sqpoll && (cooperative || taskrunFlag || deferred))
    && not (affinity && not sqpoll)
    && not (deferred && not single)
    && not (taskrunFlag && not (cooperative || deferred))
    && not (has 0x20000u && not iopoll)

let private bits = [
    for flag in Enum.GetValues<SetupFlags>() do
        if flag <> SetupFlags.None then flag
]

/// All subsets: 2^14.
let private all =
    List.fold (fun sets flag -> sets @ List.map (fun set -> set ||| flag) sets) [ SetupFlags.None ] bits

let private ladderOf asked = RingSetup.ladder Features.ladder asked

let private has flag (flags: SetupFlags) = (flags &&& flag) <> SetupFlags.None

[<Tests>]
let laws =
    testList "RingSetup" [
        test
            "1. SUBMISSION POLLING excludes COOP_TASKRUN, TASKRUN_FLAG and DEFER_TASKRUN: nobody enters to be \
             told" {
            for other in [ SetupFlags.CooperativeTaskrun; SetupFlags.TaskrunFlag; SetupFlags.DeferTaskrun ] do
                let flags = SetupFlags.SubmissionPolling ||| SetupFlags.SingleIssuer ||| other
                let conflict = RingSetup.conflict flags
                Expect.isTrue conflict.IsSome $"{other}"
                Expect.equal conflict.Value.Asked SetupFlags.SubmissionPolling $"{other}"
                Expect.isFalse conflict.Value.IsMissing $"{other}"
        }

        test "2. a processor for the submitting thread needs a submitting thread" {
            let conflict = RingSetup.conflict SetupFlags.SubmissionAffinity
            Expect.isTrue conflict.IsSome "alone"
            Expect.equal conflict.Value.Other SetupFlags.SubmissionPolling "what it needs"
            Expect.isTrue conflict.Value.IsMissing "it is missing"
        }

        test "3. DEFER_TASKRUN needs SINGLE_ISSUER; TASKRUN_FLAG needs one of the two that defer" {
            for flags in all do
                let deferred = has SetupFlags.DeferTaskrun flags

                if deferred && not (has SetupFlags.SingleIssuer flags) then
                    Expect.isTrue (RingSetup.conflict flags).IsSome $"{flags}"

                if
                    has SetupFlags.TaskrunFlag flags
                    && not (deferred || has SetupFlags.CooperativeTaskrun flags)
                then
                    Expect.isTrue (RingSetup.conflict flags).IsSome $"{flags}"
        }

        test "4. hybrid polling needs polling of the device" {
            Expect.isTrue (RingSetup.conflict SetupFlags.HybridPolling).IsSome "alone"

            let both = SetupFlags.HybridPolling ||| SetupFlags.DevicePolling
            Expect.isTrue (RingSetup.conflict both).IsNone "with it"
        }

        test "1. to 4. ... and there is no other rule" {
            Expect.equal all.Length 16384 "combinations"

            for flags in all do
                Expect.equal (RingSetup.conflict flags).IsNone (isTaken (uint32 flags)) $"{flags}"
        }

        test "5. what is asked for is on every rung, or there is no rung; what excludes it gives way" {
            for asked in all do
                let ladder = ladderOf asked

                for rung in ladder do
                    Expect.equal (rung &&& asked) asked $"{asked} on {rung}"

                if (RingSetup.conflict asked).IsNone then Expect.isNonEmpty ladder $"{asked}"

            Expect.equal (ladderOf SetupFlags.None) Features.ladder "nothing asked for, nothing changed"
        }

        test "5. ... and nothing else gives way" {
            let kept = List.head (ladderOf SetupFlags.SubmissionPolling)
            Expect.equal (uint32 kept) (0x132D8u &&& ~~~0x2200u ||| 0x2u) "the newest kernel's"
        }

        test "6. no rung has a conflict, and none is tried twice" {
            for asked in all do
                let ladder = ladderOf asked
                Expect.equal (List.distinct ladder) ladder $"{asked}"

                for rung in ladder do
                    Expect.isTrue (RingSetup.conflict rung).IsNone $"{rung}"
        }

        test "6. ... and who asks for what does not go together gets no attempt" {
            for asked in all do
                let wishes = { RingSetup.nothing with Asked = asked }

                match Features.first wishes 8u 16u, RingSetup.conflict asked with
                | SetupVerdict.Refused(Refusal.Conflicting said), ValueSome conflict ->
                    Expect.equal said conflict $"{asked}"
                | SetupVerdict.Try attempt, ValueNone -> Expect.equal attempt.Wishes wishes $"{asked}"
                | verdict, _ -> failtest $"{asked}: %A{verdict}"
        }
    ]
