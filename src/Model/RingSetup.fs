// Decides which kinds of ring there can be: what a caller asks for beyond the ladder of Model/Features, which combinations
// the kernel refuses, and what to do instead. Makes no call. Tested in RingSetupLaws.fs, and against the running kernel,
// combination by combination, in tests/Linux/RingKindTests.fs. Source: man io_uring_setup(2), reference section 2.2.
namespace Uring.Model

/// Two flags that no ring can have together, or one that means nothing without another.
type Conflict = {
    /// What was asked for.
    Asked: SetupFlags
    /// What it does not go with, or needs.
    Other: SetupFlags
    /// True: `Asked` needs one of `Other`. False: it excludes each of them.
    IsMissing: bool
}

/// What a caller asks for beyond an ordinary ring.
type RingWishes = {
    /// Flags that the ring shall have whatever the ladder says.
    Asked: SetupFlags
    /// How long the submitting thread looks in vain before it sleeps, in milliseconds; 0 leaves the kernel's second.
    PollingIdle: uint32
    /// The processor that the submitting thread stays on, with `SubmissionAffinity`.
    PollingProcessor: uint32
    /// The descriptor of the ring to share with, with `Attach`.
    SharedWith: int
}

/// Kinds of ring.
///
/// Laws
///  1. SUBMISSION POLLING excludes COOP_TASKRUN, TASKRUN_FLAG and DEFER_TASKRUN: nobody enters to be told
///  2. a processor for the submitting thread needs a submitting thread
///  3. DEFER_TASKRUN needs SINGLE_ISSUER; TASKRUN_FLAG needs one of the two that defer
///  4. hybrid polling needs polling of the device
///  5. what is asked for is on every rung, or there is no rung; what excludes it gives way
///  6. no rung has a conflict, and none is tried twice
[<RequireQualifiedAccess>]
module RingSetup =

    /// An ordinary ring.
    let nothing = { Asked = SetupFlags.None; PollingIdle = 0u; PollingProcessor = 0u; SharedWith = -1 }

    let private excludes asked other = { Asked = asked; Other = other; IsMissing = false }

    let private needs asked other = { Asked = asked; Other = other; IsMissing = true }

    /// All rules that the kernel has about flags that it knows.
    let rules = [
        excludes
            SetupFlags.SubmissionPolling
            (SetupFlags.CooperativeTaskrun ||| SetupFlags.TaskrunFlag ||| SetupFlags.DeferTaskrun)
        needs SetupFlags.SubmissionAffinity SetupFlags.SubmissionPolling
        needs SetupFlags.DeferTaskrun SetupFlags.SingleIssuer
        needs SetupFlags.TaskrunFlag (SetupFlags.CooperativeTaskrun ||| SetupFlags.DeferTaskrun)
        needs SetupFlags.HybridPolling SetupFlags.DevicePolling
    ]

    let private has (flags: SetupFlags) (some: SetupFlags) = (flags &&& some) <> SetupFlags.None

    /// The first rule that these flags break.
    let conflict (flags: SetupFlags) : Conflict voption =
        rules
        |> Seq.tryFind (fun rule -> has flags rule.Asked && has flags rule.Other <> rule.IsMissing)
        |> ValueOption.ofOption

    let private without (flags: SetupFlags) (rung: SetupFlags) = rung &&& ~~~flags

    /// The rung with what is asked for, and without what that excludes.
    let private fitted (asked: SetupFlags) (rung: SetupFlags) =
        rules
        |> List.filter (fun rule -> not rule.IsMissing && has asked rule.Asked)
        |> List.fold (fun rung rule -> without rule.Other rung) rung
        |> (|||) asked

    /// The ladder of those who ask for these flags; empty when they conflict with each other.
    let ladder (rungs: SetupFlags list) (asked: SetupFlags) : SetupFlags list =
        rungs |> List.map (fitted asked) |> List.distinct |> List.filter (conflict >> ValueOption.isNone)
