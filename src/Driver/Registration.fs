// Tells a ring what its options ask for beyond set-up: who may do what, where its workers run, how it waits. On the loop's
// thread; a kernel that is too old for a hint goes without it, and one that cannot keep a promise says so.
namespace Uring.Driver

open System
open System.Buffers.Binary
open Uring.Kernel
open Uring.Model

[<RequireQualifiedAccess>]
module internal Registration =

    let private register (ring: Ring) opcode (argument: byte array) count =
        ring.Kernel.Register(ring.Descriptor, opcode, argument.AsSpan(), count)

    /// What the caller relies on and the kernel refuses.
    let private orRaise (what: string) (remedy: string) result =
        if Errno.isError result then
            let errno = Errno.ofResult result

            raise (
                NotSupportedException(
                    String.Concat(
                        String.Concat("The kernel refused ", what, " ("),
                        errno.ToString(),
                        "). ",
                        remedy
                    )
                )
            )

    /// Before the ring is enabled: afterwards it would be too late.
    let restrict (ring: Ring) (restriction: Restriction voption) =
        let rec attempt restriction =
            let bytes = Restriction.entries restriction
            let result = register ring RegisterOpcode.Restrictions bytes (uint32 (bytes.Length / 16))

            if Errno.isError result then
                match Restriction.older restriction (Errno.ofResult result) with
                | ValueSome restriction -> attempt restriction
                | ValueNone ->
                    orRaise
                        "the ring's restrictions"
                        "They need Linux 5.10, and only operations that the kernel has can be allowed."
                        result

        match restriction with
        | ValueNone -> ()
        | ValueSome asked ->
            attempt (Restriction.complete asked)
            ring.Restriction <- restriction

    /// The bit of each processor.
    let private mask (processors: int array) =
        let bytes = Array.zeroCreate<byte>(8 * (1 + Array.max processors / 64))

        for processor in processors do
            bytes[processor / 8] <- bytes[processor / 8] ||| (1uy <<< processor % 8)

        bytes

    /// Since 5.14.
    let private pinWorkers (ring: Ring) (processors: int array) =
        if processors.Length > 0 then
            let bytes = mask processors
            // Else EINVAL (6.18).
            Workers.arrive ring

            register ring RegisterOpcode.WorkerAffinity bytes (uint32 bytes.Length)
            |> orRaise
                "the processors of its workers"
                "It needs Linux 5.14, and processors that this process may use."

    /// struct io_uring_napi, 16 bytes: microseconds @0, prefer @4. Since 6.9.
    let private busyPoll (ring: Ring) (microseconds: int) (isPreferred: bool) =
        if microseconds > 0 then
            let bytes = Array.zeroCreate<byte> 16
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(), microseconds)
            bytes[4] <- if isPreferred then 1uy else 0uy

            register ring RegisterOpcode.BusyPolling bytes 1u
            |> orRaise
                "busy polling of network devices"
                "It needs Linux 6.9, and a kernel that was built with it (CONFIG_NET_RX_BUSY_POLL)."

    /// struct io_uring_clock_register, 16 bytes: a clockid_t @0. Since 6.12.
    let private waitBy (ring: Ring) clock =
        match clock with
        | Clock.BootTime ->
            let bytes = Array.zeroCreate<byte> 16
            bytes[0] <- 7uy // CLOCK_BOOTTIME

            register ring RegisterOpcode.Clock bytes 0u
            |> orRaise "the clock of its waits" "It needs Linux 6.12."
        // The kernel's own; LoopOptions.check has refused the third.
        | _ -> ()

    /// An eventfd that is signalled when a completion comes. Since 5.2.
    let private signal (ring: Ring) (descriptor: int) =
        if descriptor >= 0 then
            register ring RegisterOpcode.EventDescriptor (BitConverter.GetBytes descriptor) 1u
            |> orRaise "the event descriptor" "It has to be one of eventfd(2)."

    /// Once the ring is enabled, and belongs to this thread.
    let apply (ring: Ring) (options: LoopOptions) =
        Workers.limit ring options
        pinWorkers ring options.WorkerProcessors
        busyPoll ring options.BusyPolling options.PrefersBusyPolling
        waitBy ring options.WaitClock
        signal ring options.EventDescriptor

        if options.RegistersRing then ring.RegisterDescriptor()

    /// Who asks for this from now on: the number of the thread's present credentials. Since 5.6.
    let credentials (ring: Ring) : int =
        let result = ring.Kernel.Register(ring.Descriptor, RegisterOpcode.Personality, Span.Empty, 0u)

        result |> orRaise "to remember these credentials" "It needs Linux 5.6, and room: 65535 at most."
        result

    /// They are used no more.
    let forget (ring: Ring) (personality: int) =
        let opcode = RegisterOpcode.UnregisterPersonality
        ring.Kernel.Register(ring.Descriptor, opcode, Span.Empty, uint32 personality) |> ignore
