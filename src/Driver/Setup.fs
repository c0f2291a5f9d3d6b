// Makes a ring: performs the verdicts of Model/Features until there is one or a reason why not.
// Tested in tests/Linux/SetupTests.fs with kernels that refuse.
namespace Uring.Driver

open System
open Uring
open Uring.Kernel
open Uring.Model

/// Making rings.
[<RequireQualifiedAccess>]
module Setup =

    /// The flag's name in man io_uring_setup(2).
    let private nameOf flag =
        match flag with
        | SetupFlags.DevicePolling -> "IORING_SETUP_IOPOLL"
        | SetupFlags.SubmissionPolling -> "IORING_SETUP_SQPOLL"
        | SetupFlags.SubmissionAffinity -> "IORING_SETUP_SQ_AFF"
        | SetupFlags.Attach -> "IORING_SETUP_ATTACH_WQ"
        | SetupFlags.CooperativeTaskrun -> "IORING_SETUP_COOP_TASKRUN"
        | SetupFlags.TaskrunFlag -> "IORING_SETUP_TASKRUN_FLAG"
        | SetupFlags.SingleIssuer -> "IORING_SETUP_SINGLE_ISSUER"
        | SetupFlags.DeferTaskrun -> "IORING_SETUP_DEFER_TASKRUN"
        | SetupFlags.HybridPolling -> "IORING_SETUP_HYBRID_IOPOLL"
        // An open set: the rest has no rule, and no remedy of its own.
        | other -> other.ToString()

    let private namesOf (flags: SetupFlags) (conjunction: string) =
        let names = [
            for bit in 0..31 do
                let flag: SetupFlags = LanguagePrimitives.EnumOfValue(1u <<< bit)
                if (flags &&& flag) <> SetupFlags.None then nameOf flag
        ]

        String.Join(conjunction, names)

    let private explainConflict (conflict: Conflict) =
        let asked = nameOf conflict.Asked

        if conflict.IsMissing then
            String.Concat(
                asked,
                " means nothing without ",
                namesOf conflict.Other " or ",
                ": ask for that as well."
            )
        else
            String.Concat(
                asked,
                " does not go together with ",
                namesOf conflict.Other " or ",
                ": a thread of the kernel submits, so there is nobody to defer to. Leave one of them out."
            )

    let private explainWish (wishes: SetupFlags) =
        String.Concat(
            "This kernel takes no ring with all of ",
            namesOf wishes ", ",
            ". The kernel may be too old for one of them (docs/options.md names the first version of each), the processor may not be there, or the ring to share with may not have what is to be shared."
        )

    /// The cause and the remedy, for people.
    let explain refusal =
        match refusal with
        | Refusal.NoSystemCall ->
            "io_uring is not available: the kernel does not know the system call (ENOSYS). It needs Linux 5.11 or newer; in a sandbox (gVisor, some seccomp profiles) it may be hidden: allow io_uring_setup, io_uring_enter and io_uring_register."
        | Refusal.Forbidden ->
            "io_uring is not allowed here (EPERM). On a host, look at /proc/sys/kernel/io_uring_disabled: `sysctl kernel.io_uring_disabled=0` allows it (1 allows it to the group kernel.io_uring_group). In a container the default seccomp profile denies it: run with a profile that allows io_uring_setup, io_uring_enter and io_uring_register."
        | Refusal.NoMemory ->
            "The kernel would not give memory for even the smallest ring (ENOMEM). Rings count against RLIMIT_MEMLOCK: raise it (`ulimit -l`, LimitMEMLOCK= in systemd, --ulimit memlock in Docker), or close rings that are no longer needed."
        | Refusal.TooManyFiles ->
            "No descriptor is left for a ring (EMFILE or ENFILE). Raise the limit (`ulimit -n`), or close what is no longer needed."
        | Refusal.TooOld ->
            "This kernel's io_uring is too old: Linux 5.11 or newer is needed, 6.1 or newer is recommended."
        | Refusal.InvalidSize ->
            "The ring's sizes are out of range: 1 to 32768 submissions, and at least as many completions, at most 65536."
        | Refusal.Conflicting conflict -> explainConflict conflict
        | Refusal.NotLikeThis wishes -> explainWish wishes
        | Refusal.Unexpected errno ->
            String.Concat(
                "io_uring_setup failed: ",
                errno.ToString(),
                ". See man io_uring_setup(2), section ERRORS."
            )

    let private refuse refusal : Result<'T, Refusal> = Error refusal

    /// 16 bytes, then 8 for each of 256 opcodes.
    let private probe (kernel: IKernel) ring : Result<bool array, Errno> =
        let probe = Array.zeroCreate<byte>(16 + 256 * 8)
        let result = kernel.Register(ring, RegisterOpcode.Probe, probe.AsSpan(), 256u)

        if Errno.isError result then
            Error(Errno.ofResult result)
        else
            Ok(Features.opcodesOfProbe probe)

    let private describe (kernel: IKernel) ring attempt (parameters: SetupParameters) (memory: RingMemory) =
        let giveUp refusal =
            memory.Unmap kernel
            kernel.Close ring |> ignore
            refuse refusal

        let begun opcodes =
            let plan = {
                Setup = attempt
                Features = parameters.Features
                Opcodes = opcodes
                Wake = Wake.SendMessage
            }

            Ok(
                new Ring(
                    kernel,
                    ring,
                    memory,
                    plan,
                    parameters.SubmissionEntries,
                    parameters.CompletionEntries
                )
            )

        match probe kernel ring with
        | Error errno -> giveUp (Features.refusal errno)
        | Ok opcodes ->
            match Features.refusalOf opcodes with
            | ValueSome refusal -> giveUp refusal
            | ValueNone -> begun opcodes

    let rec private run (kernel: IKernel) verdict =
        match verdict with
        | SetupVerdict.Refused refusal -> refuse refusal
        | SetupVerdict.Try attempt ->
            let mutable parameters = {
                Unchecked.defaultof<SetupParameters> with
                    Flags = attempt.Flags
                    CompletionEntries =
                        if Features.has SetupFlags.CompletionSize attempt then attempt.Completions else 0u
                    PollingCpu = attempt.Wishes.PollingProcessor
                    PollingIdle = attempt.Wishes.PollingIdle
                    WorkQueue =
                        if Features.has SetupFlags.Attach attempt then
                            uint32 attempt.Wishes.SharedWith
                        else
                            0u
            }

            let result = kernel.Setup(attempt.Entries, &parameters)

            if Errno.isError result then
                run kernel (Features.next attempt (Errno.ofResult result))
            elif not (Features.isSufficient parameters.Features) then
                kernel.Close result |> ignore
                refuse Refusal.TooOld
            else
                match RingMemory.Map(kernel, result, parameters) with
                | Ok memory -> describe kernel result attempt parameters memory
                | Error errno ->
                    // The kernel had room for the ring and none for the mapping: as when it has none for the ring.
                    kernel.Close result |> ignore
                    run kernel (Features.next attempt errno)

    /// A ring of these sizes, as it is wished for, with the best other flags that this kernel takes. It is disabled until
    /// `Ring.Enable`.
    let createWith kernel wishes (entries: int) (completions: int) : Result<Ring, Refusal> =
        if entries < 1 || completions < 1 then
            refuse Refusal.InvalidSize
        else
            run kernel (Features.first wishes (uint32 entries) (uint32 completions))

    /// An ordinary ring of these sizes.
    let create kernel entries completions = createWith kernel RingSetup.nothing entries completions

    /// A small ring without an owner: any thread may use it, one at a time, and it needs no enabling.
    let internal createPlain kernel (entries: int) (completions: int) : Result<Ring, Refusal> =
        run
            kernel
            (SetupVerdict.Try {
                Flags = Features.plain
                Entries = uint32 entries
                Completions = uint32 completions
                Wishes = RingSetup.nothing
            })

    /// As `createWith`, for those who cannot go on without one.
    let createOrRaise kernel wishes entries completions : Ring =
        match createWith kernel wishes entries completions with
        | Ok ring -> ring
        | Error refusal -> raise (UringUnavailableException(refusal, explain refusal))

    /// The calling thread becomes the ring's owner. A sandbox may allow set-up and forbid this.
    let enableOrRaise (ring: Ring) =
        try
            ring.Enable()
        with :? RingFailedException as reason ->
            let refusal = Features.refusal reason.Errno
            raise (UringUnavailableException(refusal, explain refusal))
