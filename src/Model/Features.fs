// Decides which ring to ask for, what to ask for next when the kernel refuses, and what the ring can then do.
// Makes no call. Tested in FeaturesLaws.fs; driven by Driver/Setup.fs. Source: man io_uring_setup(2).
namespace Uring.Model

/// One call of io_uring_setup.
type SetupAttempt = {
    Flags: SetupFlags
    /// Submission entries, 1..32768.
    Entries: uint32
    /// Completion entries; the kernel rounds up to a power of two.
    Completions: uint32
    /// What the caller asks for beyond the ladder.
    Wishes: RingWishes
}

/// Why there is no ring. Each has a remedy that its user can apply.
[<RequireQualifiedAccess>]
type Refusal =
    /// ENOSYS: no io_uring in this kernel, or a sandbox that hides it.
    | NoSystemCall
    /// EPERM: sysctl kernel.io_uring_disabled, or a seccomp profile.
    | Forbidden
    /// ENOMEM down to the smallest ring: RLIMIT_MEMLOCK.
    | NoMemory
    /// EMFILE, ENFILE: the descriptor limits.
    | TooManyFiles
    /// The kernel has io_uring but lacks what this library cannot do without.
    | TooOld
    /// The caller's sizes are out of range.
    | InvalidSize
    /// The caller asks for flags that do not go together.
    | Conflicting of Conflict
    /// The kernel takes no ring with all that the caller asks for.
    | NotLikeThis of SetupFlags
    /// Anything else.
    | Unexpected of Errno

/// What to do after io_uring_setup has said no.
[<RequireQualifiedAccess>]
type SetupVerdict =
    /// Call io_uring_setup like this.
    | Try of SetupAttempt
    /// There is no ring, for this reason.
    | Refused of Refusal

/// How another thread wakes the loop.
[<Struct; RequireQualifiedAccess>]
type Wake =
    /// io_uring_register(-1, SEND_MSG_RING): one call, no ring of one's own (6.13).
    | SendMessage
    /// A small second ring that sends MSG_RING, used under a lock (5.18).
    | MessageRing
    /// The loop looks up every millisecond.
    | Poll

/// What the ring that we got can do.
type Plan = {
    Setup: SetupAttempt
    Features: FeatureFlags
    /// Indexed by opcode: the kernel supports it.
    Opcodes: bool array
    Wake: Wake
}

/// How a buffer pool works.
[<Struct; RequireQualifiedAccess>]
type PoolMode =
    /// A buffer ring with incremental consumption (6.12).
    | Incremental
    /// A buffer ring; each receive uses a whole buffer.
    | Whole
    /// No ring: a receive is given a buffer when it starts.
    | Plain

/// The ladder of flags, newest kernel first. Beyond them Linux 5.11 is needed (`required`).
///
///   6.6  SINGLE_ISSUER DEFER_TASKRUN NO_SQARRAY
///   6.1  SINGLE_ISSUER DEFER_TASKRUN
///   5.19 COOP_TASKRUN TASKRUN_FLAG
///   5.18 SUBMIT_ALL
///   5.10 R_DISABLED
///   5.6  CQSIZE CLAMP
///
/// Laws
///  1. an unknown flag (EINVAL) leads to the next rung: all but the last rung's flags can be missing
///  2. every ladder ends: in a ring or in a refusal that names its cause
///  3. when memory is short (ENOMEM) sizes are halved, never below the smallest ring
///  4. a missing opcode is reported with its name and first kernel, never submitted
///  5. a wake that does not work leads to the next way of waking, the last one always works
///  6. a pool that the kernel refuses (EINVAL) leads to the next mode; the last one needs nothing of the kernel
///  7. only what every kernel has a call for, and what never waits, is done by a call
///  8. a flag that is newer than what takes it is reported with its first kernel, never submitted
[<RequireQualifiedAccess>]
module Features =

    /// The smallest ring worth having.
    [<Literal>]
    let SmallestRing = 8u

    let private sized = SetupFlags.CompletionSize ||| SetupFlags.Clamp

    let private enabledLater = sized ||| SetupFlags.Disabled

    let private submitAll = enabledLater ||| SetupFlags.SubmitAll

    let private deferred =
        submitAll ||| SetupFlags.SingleIssuer ||| SetupFlags.DeferTaskrun ||| SetupFlags.TaskrunFlag

    /// All rungs, best first.
    let ladder = [
        deferred ||| SetupFlags.NoSubmissionArray
        deferred
        submitAll ||| SetupFlags.CooperativeTaskrun ||| SetupFlags.TaskrunFlag
        submitAll
        enabledLater
        sized
    ]

    /// The last rung: a ring that any thread may use, and that is enabled from the start.
    let plain = sized

    /// The first call to make, for a ring of these sizes.
    let first wishes entries completions =
        if entries < 1u || entries > 32768u || completions < entries || completions > 65536u then
            SetupVerdict.Refused Refusal.InvalidSize
        else
            match RingSetup.conflict wishes.Asked, RingSetup.ladder ladder wishes.Asked with
            | ValueSome conflict, _ -> SetupVerdict.Refused(Refusal.Conflicting conflict)
            | ValueNone, [] -> SetupVerdict.Refused(Refusal.NotLikeThis wishes.Asked)
            | ValueNone, flags :: _ ->
                SetupVerdict.Try {
                    Flags = flags
                    Entries = entries
                    Completions = completions
                    Wishes = wishes
                }

    let private nextRung attempt =
        RingSetup.ladder ladder attempt.Wishes.Asked
        |> List.skipWhile (fun rung -> rung <> attempt.Flags)
        |> List.tryItem 1

    /// Half of each size, as far down as makes sense: completions never below submissions.
    let private halved attempt =
        let entries = min attempt.Entries (max SmallestRing (attempt.Entries / 2u))

        {
            attempt with
                Entries = entries
                Completions = min attempt.Completions (max entries (attempt.Completions / 2u))
        }

    /// What an error means that no other attempt can mend.
    let refusal (errno: Errno) =
        match errno with
        | Errno.ENOSYS -> Refusal.NoSystemCall
        | Errno.EPERM
        | Errno.EACCES -> Refusal.Forbidden
        | Errno.ENOMEM -> Refusal.NoMemory
        | Errno.EMFILE
        | Errno.ENFILE -> Refusal.TooManyFiles
        // An open set: the kernel may return any number.
        | other -> Refusal.Unexpected other

    /// What to do when this attempt was answered with this error.
    let next attempt (errno: Errno) =
        match errno with
        | Errno.EINVAL ->
            match nextRung attempt with
            | Some flags -> SetupVerdict.Try { attempt with Flags = flags }
            | None when attempt.Wishes.Asked <> SetupFlags.None ->
                SetupVerdict.Refused(Refusal.NotLikeThis attempt.Wishes.Asked)
            | None -> SetupVerdict.Refused Refusal.TooOld
        | Errno.ENOMEM ->
            match halved attempt with
            | smaller when smaller = attempt -> SetupVerdict.Refused Refusal.NoMemory
            | smaller -> SetupVerdict.Try smaller
        // An open set: no other attempt would do better.
        | other -> SetupVerdict.Refused(refusal other)

    /// What this library cannot do without (5.11): one mapping, no lost completions, inputs that are stable after
    /// submit, a wait with a time limit.
    let required =
        FeatureFlags.SingleMap
        ||| FeatureFlags.NoDrop
        ||| FeatureFlags.SubmitStable
        ||| FeatureFlags.ExtendedArgument

    /// The kernel has all that is required.
    let isSufficient (features: FeatureFlags) = (features &&& required) = required

    /// The attempt asks for this flag.
    let has flag (attempt: SetupAttempt) = (attempt.Flags &&& flag) <> SetupFlags.None

    /// Reads struct io_uring_probe: 16 bytes, then 8 per opcode (code @0, flags @2, bit 0 = supported).
    let opcodesOfProbe (probe: byte array) =
        let supported =
            Set.ofList [
                for entry in 16..8 .. 8 + 8 * int probe[1] do
                    if (probe[entry + 2] &&& 1uy) <> 0uy then int probe[entry]
            ]

        Array.init 256 supported.Contains

    /// The kernel of this ring has the opcode.
    let supports (opcode: Opcode) plan = plan.Opcodes[int opcode]

    /// Where the ring lacks it, a system call in its place does the same at once.
    let hasCall (opcode: Opcode) =
        match Catalogue.tryFind opcode with
        | ValueSome row -> row.HasCall
        | ValueNone -> false

    /// The opcode that stands for the multishot form of this one, when it is missing.
    let missingForMultishot (opcode: Opcode) plan : Opcode voption =
        let needed =
            match Catalogue.tryFind opcode with
            | ValueSome row -> row.MultishotSign
            | ValueNone -> opcode

        if supports needed plan then ValueNone else ValueSome needed

    /// Why there can be no ring with these opcodes: one is missing that every kernel since 5.6 has.
    let refusalOf (opcodes: bool array) : Refusal voption =
        if Catalogue.needed |> List.forall (fun opcode -> opcodes[int opcode]) then
            ValueNone
        else
            ValueSome Refusal.TooOld

    /// The first kernel with all of these flags of a read or write, when this one is older. Flags are not in the probe: what
    /// came with the same kernel stands for them.
    let missingForTransfer (flags: TransferFlags) plan : string voption =
        let asks flag = (flags &&& flag) <> TransferFlags.None
        let has feature = (plan.Features &&& feature) <> FeatureFlags.None

        // 6.16 and 6.17 say EOPNOTSUPP.
        if asks TransferFlags.NoSignal && not (supports Opcode.Pipe plan) then
            ValueSome "6.18"
        elif asks TransferFlags.DontCache && not (has FeatureFlags.ReadWriteAttributes) then
            ValueSome "6.14"
        elif asks TransferFlags.Atomic && not (supports Opcode.Bind plan) then
            ValueSome "6.11"
        elif asks TransferFlags.NoAppend && not (supports Opcode.Truncate plan) then
            ValueSome "6.9"
        else
            ValueNone

    /// The first kernel with all of these flags of a NOP, when this one is older: before 6.10 it looks at none, and says 0. What
    /// came with the same kernel stands for them, or what came next.
    let missingForNop (flags: uint32) plan : string voption =
        let asks flag = (flags &&& flag) <> 0u
        let has feature = (plan.Features &&& feature) <> FeatureFlags.None

        if asks OpFlags.NopTaskWork && not (supports Opcode.Pipe plan) then
            ValueSome "6.17"
        elif
            asks (OpFlags.NopFile ||| OpFlags.NopFixedFile ||| OpFlags.NopFixedBuffer)
            && not (has FeatureFlags.ReadWriteAttributes)
        then
            ValueSome "6.13"
        elif flags <> 0u && not (has FeatureFlags.Bundle) then
            ValueSome "6.10"
        else
            ValueNone

    /// Messages can say what flags their completion has (6.3, as this feature).
    let passesFlags plan = (plan.Features &&& FeatureFlags.RegisteredRing) <> FeatureFlags.None

    /// Limits of linked operations can be changed (5.15, as MKDIRAT).
    let changesLimits plan = supports Opcode.MakeDirectoryAt plan

    /// Commands can name a registered buffer (6.1).
    let commandsOnBuffers plan = supports Opcode.SendMessageZeroCopy plan

    /// A path can be opened by what the kernel has of it in memory alone (RESOLVE_CACHED, 5.12 as these workers).
    let canOpenCached plan = (plan.Features &&& FeatureFlags.NativeWorkers) <> FeatureFlags.None

    /// Bundled receives (6.10) and incremental buffers (6.12) put bytes in the wrong order on some kernels up to 6.15
    /// (liburing issues 1409, 1423, 1432): PIPE, of 6.16, stands for a kernel that does not.
    let private keepsOrder plan = supports Opcode.Pipe plan

    /// How a pool should work, if the kernel agrees. Rings without multishot receive (5.19) are not worth having.
    let poolMode incremental plan =
        match missingForMultishot Opcode.Receive plan with
        | ValueSome _ -> PoolMode.Plain
        // Incremental rings came with the same kernel as this feature.
        | ValueNone when
            incremental
            && (plan.Features &&& FeatureFlags.MinimumTimeout) <> FeatureFlags.None
            && keepsOrder plan
            ->
            PoolMode.Incremental
        | ValueNone -> PoolMode.Whole

    /// What to do when the kernel has refused a pool; nothing when it is not the mode's fault.
    let nextPoolMode mode (errno: Errno) =
        match mode, errno with
        | PoolMode.Incremental, Errno.EINVAL -> ValueSome PoolMode.Whole
        | PoolMode.Whole, Errno.EINVAL -> ValueSome PoolMode.Plain
        // An open set: memory, limits, what another mode would meet as well.
        | _ -> ValueNone

    /// One receive may fill several buffers.
    let canBundle plan = (plan.Features &&& FeatureFlags.Bundle) <> FeatureFlags.None && keepsOrder plan

    /// The kernel knows the hint to wait first: 5.19, as SOCKET; for ACCEPT 6.10, as bundles, with the wish not to wait.
    let canPollFirst (opcode: Opcode) plan =
        match opcode with
        | Opcode.Accept -> (plan.Features &&& FeatureFlags.Bundle) <> FeatureFlags.None
        // An open set: what sends and receives.
        | _ -> supports Opcode.Socket plan

    /// Notifications of zero-copy sends say whether the bytes were copied (6.2; this feature is of 6.3).
    let reportsUsage plan = (plan.Features &&& FeatureFlags.RegisteredRing) <> FeatureFlags.None

    /// Vectors within registered buffers came to messages with the same kernel as to files (6.15).
    let sendsFixedVectors plan =
        supports Opcode.SendMessageZeroCopy plan && supports Opcode.WriteVectorFixed plan

    /// The next way of waking after one was refused.
    let nextWake plan =
        match plan.Wake with
        | Wake.SendMessage when supports Opcode.MessageRing plan -> Wake.MessageRing
        | Wake.SendMessage
        | Wake.MessageRing
        | Wake.Poll -> Wake.Poll
