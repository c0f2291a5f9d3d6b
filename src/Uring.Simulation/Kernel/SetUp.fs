// io_uring_setup(2): which flags and sizes it takes, and where in the shared memory everything lies.
// Source: reference sections 2.2 and 2.3.
namespace Uring.Simulation.Kernel

open System.Numerics
open Uring.Kernel
open Uring.Model

[<Sealed>]
type internal SetUp(machine: Machine) =

    let choices = machine.World.Choices
    let trace = machine.World.Trace
    let memory = machine.World.Memory
    let version = machine.Version

    let fail (errno: Errno) = Errno.toResult errno

    let mayNot (flags: SetupFlags) =
        let has flag = (flags &&& flag) <> SetupFlags.None
        let deferred = has SetupFlags.DeferTaskrun
        let polled = has SetupFlags.SubmissionPolling

        (uint32 flags &&& ~~~version.SetupMask) <> 0u
        || (deferred && not (has SetupFlags.SingleIssuer))
        || (has SetupFlags.TaskrunFlag && not (deferred || has SetupFlags.CooperativeTaskrun))
        || (polled && (deferred || has SetupFlags.TaskrunFlag || has SetupFlags.CooperativeTaskrun))
        || (has SetupFlags.SubmissionAffinity && not polled)
        || (has SetupFlags.HybridPolling && not (has SetupFlags.DevicePolling))

    /// The processor is there, and the ring to share with has what is to be shared.
    let hasItsParts (parameters: SetupParameters) =
        let has flag = (parameters.Flags &&& flag) <> SetupFlags.None
        let processor = int parameters.PollingCpu

        let shared =
            match machine.Descriptors.Find(int parameters.WorkQueue) with
            | :? KernelRing as ring -> ring.IsPolled || not (has SetupFlags.SubmissionPolling)
            | _ -> false

        (not (has SetupFlags.SubmissionAffinity) || processor < System.Environment.ProcessorCount)
        && (not (has SetupFlags.Attach) || shared)

    let layout (completions: uint32) (flags: SetupFlags) =
        let array =
            if (flags &&& SetupFlags.NoSubmissionArray) <> SetupFlags.None then
                0u
            else
                64u + completions * 16u

        let submissions: SubmissionOffsets = {
            Head = 0u
            Tail = 4u
            RingMask = 16u
            RingEntries = 24u
            Flags = 36u
            Dropped = 32u
            Array = array
            Reserved = 0u
            UserAddress = 0UL
        }

        let completions: CompletionOffsets = {
            Head = 8u
            Tail = 12u
            RingMask = 20u
            RingEntries = 28u
            Overflow = 44u
            Completions = 64u
            Flags = 40u
            Reserved = 0u
            UserAddress = 0UL
        }

        struct (submissions, completions)

    let make (entries: uint32) (completions: uint32) (parameters: byref<SetupParameters>) : int =
        let struct (sq, cq) = layout completions parameters.Flags
        let ringsLength = unativeint (64u + completions * 16u + entries * 4u)
        let submissionsLength = unativeint entries * 64un

        if not (machine.Charge(int64 ringsLength + int64 submissionsLength)) then
            fail Errno.ENOMEM
        else
            parameters <- {
                parameters with
                    SubmissionEntries = entries
                    CompletionEntries = completions
                    Features = version.Features
                    SubmissionRing = sq
                    CompletionRing = cq
            }

            let plan = {
                Rings = memory.Allocate ringsLength
                RingsLength = ringsLength
                Submissions = memory.Allocate submissionsLength
                SubmissionsLength = submissionsLength
                Parameters = parameters
            }

            Mapped.write<uint32> (plan.Rings + nativeint sq.RingMask) (entries - 1u)
            Mapped.write<uint32> (plan.Rings + nativeint sq.RingEntries) entries
            Mapped.write<uint32> (plan.Rings + nativeint cq.RingMask) (completions - 1u)
            Mapped.write<uint32> (plan.Rings + nativeint cq.RingEntries) completions
            let ring = KernelRing(plan, machine.Thread, choices, trace)
            ring.Interrupt <- machine.Interrupt
            ring.Number <- machine.Descriptors.Add ring

            if ring.Number >= 0 then ring.Lane <- trace.Lane(machine.Name, ring.Number)

            ring.Number

    /// io_uring_setup(2): the ring's descriptor, or an error.
    member _.Make(entries: uint32, parameters: byref<SetupParameters>) : int =
        let flags = parameters.Flags
        let has flag = (flags &&& flag) <> SetupFlags.None
        let clamps = has SetupFlags.Clamp
        let submissions = if clamps then min entries 32768u else entries

        let asked = if has SetupFlags.CompletionSize then parameters.CompletionEntries else submissions * 2u

        let completions = if clamps then min asked 65536u else asked

        if
            mayNot parameters.Flags
            || not (hasItsParts parameters)
            || submissions = 0u
            || submissions > 32768u
        then
            fail Errno.EINVAL
        elif completions = 0u || completions > 65536u then
            fail Errno.EINVAL
        else
            let submissions = BitOperations.RoundUpToPowerOf2 submissions
            let completions = BitOperations.RoundUpToPowerOf2 completions

            if completions < submissions then
                fail Errno.EINVAL
            else
                make submissions completions &parameters
