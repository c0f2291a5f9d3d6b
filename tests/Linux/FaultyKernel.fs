// The Linux kernel with faults: each call can be answered otherwise, and what is open and mapped is counted, so that
// leaks show. Everything that is not refused really happens.
namespace Uring.Tests.Linux

open System
open System.Collections.Concurrent
open System.Threading
open Uring.Kernel
open Uring.Model

/// What io_uring_enter is told.
[<Struct>]
type EnterCall = { Ring: int; ToSubmit: uint32; MinComplete: uint32; Flags: EnterFlags }

/// Programmable while it runs: the properties are read at each call.
[<Sealed>]
type FaultyKernel() as this =
    let kernel = LinuxKernel.Instance
    static let everSubmitted = ConcurrentDictionary<Opcode, unit>()
    let rings = ConcurrentDictionary<int, SubmissionWatch>()
    let submitted = ConcurrentDictionary<Opcode, unit>()
    // By thread and place in its table.
    let registered = ConcurrentDictionary<struct (int * int), int>()
    let maps = ConcurrentDictionary<nativeint, unativeint>()
    let lingering = ConcurrentQueue<struct (nativeint * unativeint)>()
    let mutable setups = 0
    let mutable interrupted = 0
    let mutable strays = 0

    let answered answer (perform: unit -> int) =
        match answer with
        | Answer.Before errno -> Errno.toResult errno
        | Answer.After errno ->
            perform () |> ignore
            Errno.toResult errno
        | Answer.Real
        | Answer.Partly _ -> perform ()

    let mapped ring length (map: unit -> nativeint) =
        match this.OnMap ring with
        | Answer.Before errno -> nativeint (Errno.toResult errno)
        | Answer.Real
        | Answer.After _
        | Answer.Partly _ ->
            let address = map ()

            if address >= 0n then maps[address] <- length

            address

    let note ring =
        match rings.TryGetValue ring with
        | true, watch ->
            for opcode in watch.Waiting do
                submitted[opcode] <- ()
                everSubmitted[opcode] <- ()

            watch.Doom this.OnSubmit
        | false, _ -> Interlocked.Increment &strays |> ignore

    /// io_uring_setup with these flags.
    member val OnSetup: SetupFlags -> Answer = Answer.real with get, set
    member val OnEnter: EnterCall -> Answer = Answer.real with get, set
    /// An operation, when the kernel is told of it: before, it is not done; after, it is, and its first completion says this.
    member val OnSubmit: Opcode -> Answer = Answer.real with get, set
    member val OnRegister: RegisterOpcode -> Answer = Answer.real with get, set
    /// The ring, or -1 for plain memory.
    member val OnMap: int -> Answer = Answer.real with get, set
    /// A name or an option of a socket.
    member val OnSocketCall: unit -> Answer = Answer.real with get, set
    /// Another descriptor for an open file.
    member val OnDuplicate: unit -> Answer = Answer.real with get, set
    /// A call in the place of an opcode.
    member val OnStandIn: unit -> Answer = Answer.real with get, set
    /// A signal to a group, or to everybody: whom, and which.
    member val OnSignalMany: struct (int * int) -> Answer = Answer.real with get, set
    /// Opcodes that the probe does not show.
    member val Hidden: Opcode list = [] with get, set
    /// Features that the set-up does not show.
    member val Lacks = FeatureFlags.None with get, set
    /// Memory stays mapped after `Unmap`, so that a late access is counted and not the end of the process.
    member val Lingers = false with get, set

    /// Calls of io_uring_setup.
    member _.Setups = setups
    /// Waits that a signal ended.
    member _.Interrupted = Volatile.Read &interrupted
    /// Calls with a ring that was closed, and memory unmapped that was not mapped.
    member _.Strays = Volatile.Read &strays
    /// It was told to do this.
    member _.HasSeen(opcode: Opcode) = submitted.ContainsKey opcode
    /// What any of these kernels was told to do, since the record was emptied.
    static member Seen = everSubmitted
    member _.OpenRings = rings.Count
    member _.OpenMaps = maps.Count

    member this.RefuseFlags(unknown: SetupFlags) =
        this.OnSetup <-
            fun flags ->
                if (flags &&& unknown) <> SetupFlags.None then Answer.Before Errno.EINVAL else Answer.Real

    /// Takes back what `Lingers` kept.
    member _.UnmapAll() =
        for struct (address, length) in lingering do
            kernel.Unmap(address, length) |> ignore

    interface IKernel with

        member this.Setup(entries, parameters) =
            Interlocked.Increment &setups |> ignore

            match this.OnSetup parameters.Flags with
            | Answer.Before errno -> Errno.toResult errno
            | Answer.Real
            | Answer.After _
            | Answer.Partly _ ->
                let ring = kernel.Setup(entries, &parameters)

                parameters <- { parameters with Features = parameters.Features &&& ~~~this.Lacks }

                if ring >= 0 then rings[ring] <- SubmissionWatch parameters

                ring

        member this.Enter(ring, toSubmit, minComplete, flags, timeout, minimum) =
            let descriptor =
                if (flags &&& EnterFlags.RegisteredRing) <> EnterFlags.None then
                    registered[struct (Environment.CurrentManagedThreadId, ring)]
                else
                    ring

            note descriptor

            let call = { Ring = descriptor; ToSubmit = toSubmit; MinComplete = minComplete; Flags = flags }

            let answer = this.OnEnter call

            let result =
                match answer with
                | Answer.Partly most when most < toSubmit ->
                    kernel.Enter(ring, most, 0u, flags, timeout, minimum)
                | _ ->
                    answered answer (fun () ->
                        kernel.Enter(ring, toSubmit, minComplete, flags, timeout, minimum))

            match rings.TryGetValue descriptor with
            | true, watch -> watch.Tell()
            | false, _ -> ()

            if answer = Answer.Real && result = Errno.toResult Errno.EINTR then
                Interlocked.Increment &interrupted |> ignore

            result

        member this.Register(ring, opcode, argument, count) =
            match this.OnRegister opcode with
            | Answer.Before errno -> Errno.toResult errno
            | answer ->
                let result = kernel.Register(ring, opcode, argument, count)

                if opcode = RegisterOpcode.RingDescriptors && result = 1 then
                    // struct io_uring_rsrc_update: the place @0.
                    let place = BitConverter.ToInt32(Span.op_Implicit argument)
                    registered[struct (Environment.CurrentManagedThreadId, place)] <- ring

                if opcode = RegisterOpcode.Probe && result >= 0 then
                    // struct io_uring_probe: the flags of opcode n, of which bit 0 says that it is supported.
                    for hidden in this.Hidden do
                        argument[16 + 8 * int hidden + 2] <- 0uy

                match answer with
                | Answer.After errno -> Errno.toResult errno
                | _ -> result

        member this.Map(ring, length, offset) =
            mapped ring length (fun () ->
                let address = kernel.Map(ring, length, offset)

                match rings.TryGetValue ring with
                | true, watch when address >= 0n -> watch.Mapped(offset, address)
                | _ -> ()

                address)

        member this.Allocate(length, kind) = mapped -1 length (fun () -> kernel.Allocate(length, kind))

        member this.Mirror(address, length) = mapped -1 length (fun () -> kernel.Mirror(address, length))

        member _.Protect(address, length, accessible) = kernel.Protect(address, length, accessible)

        member this.Unmap(address, length) =
            match maps.TryRemove address with
            | true, mapped when mapped = length && this.Lingers ->
                lingering.Enqueue(struct (address, length))
                0
            | true, mapped when mapped = length -> kernel.Unmap(address, length)
            | _ ->
                Interlocked.Increment &strays |> ignore
                Errno.toResult Errno.EINVAL

        member _.Close descriptor =
            rings.TryRemove descriptor |> ignore
            kernel.Close descriptor

        member _.Notify() = kernel.Notify()
        member _.Watch(descriptor, path, mask) = kernel.Watch(descriptor, path, mask)
        member _.Unwatch(descriptor, watch) = kernel.Unwatch(descriptor, watch)
        member _.OpenProcess id = kernel.OpenProcess id
        member _.Signal(descriptor, signal) = kernel.Signal(descriptor, signal)

        member this.SignalMany(group, signal) =
            match this.OnSignalMany struct (group, signal) with
            | Answer.Before errno -> Errno.toResult errno
            | _ -> kernel.SignalMany(group, signal)

        member this.SocketName(descriptor, ofPeer, address) =
            match this.OnSocketCall() with
            | Answer.Before errno -> Errno.toResult errno
            | _ -> kernel.SocketName(descriptor, ofPeer, address)

        member this.GetSocketOption(descriptor, level, name, value) =
            match this.OnSocketCall() with
            | Answer.Before errno -> Errno.toResult errno
            | _ -> kernel.GetSocketOption(descriptor, level, name, value)

        member this.SetSocketOption(descriptor, level, name, value) =
            match this.OnSocketCall() with
            | Answer.Before errno -> Errno.toResult errno
            | _ -> kernel.SetSocketOption(descriptor, level, name, value)

        member this.Duplicate descriptor =
            answered (this.OnDuplicate()) (fun () -> kernel.Duplicate descriptor)

        member _.OpenedAs descriptor = kernel.OpenedAs descriptor
        member _.ModeOf descriptor = kernel.ModeOf descriptor

        member this.Pipe(ends, flags) =
            match this.OnStandIn() with
            | Answer.Before errno -> Errno.toResult errno
            | _ -> kernel.Pipe(ends, flags)

        member this.Truncate(descriptor, length) =
            match this.OnStandIn() with
            | Answer.Before errno -> Errno.toResult errno
            | _ -> kernel.Truncate(descriptor, length)

        member this.Bind(descriptor, address) =
            match this.OnStandIn() with
            | Answer.Before errno -> Errno.toResult errno
            | _ -> kernel.Bind(descriptor, address)

        member this.Listen(descriptor, backlog) =
            match this.OnStandIn() with
            | Answer.Before errno -> Errno.toResult errno
            | _ -> kernel.Listen(descriptor, backlog)
