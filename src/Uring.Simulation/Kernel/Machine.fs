// One simulated computer with one process on it: its kernel version, descriptors, limits, and the ways to its rings.
namespace Uring.Simulation.Kernel

open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

[<Sealed>]
type internal Machine(world: World, name: string, address: string, disk: Disk) =
    let limit = 1024
    let descriptors = Descriptors(limit, world.Ledger)
    let host = world.Network.Join(name, address)
    let registered = System.Collections.Generic.Dictionary<struct (int * int), int>()
    let mutable charged = 0L

    let ringOf (descriptor: int) : KernelRing | null =
        match descriptors.Find descriptor with
        | :? KernelRing as ring -> ring
        | _ -> null

    member _.World = world
    member _.Name = name
    member _.Version = world.Version
    member _.Descriptors = descriptors
    member _.Disk = disk
    member _.Host = host
    member _.DescriptorLimit = limit
    /// What runs its requests: set once, by `Execution.boot`.
    member val Issuing = Unchecked.defaultof<Issuing> with get, set

    /// The simulated thread that runs now.
    member val Thread = 0 with get, set

    /// The threads' own tables of rings: by thread and place.
    member _.Registered = registered

    /// RLIMIT_MEMLOCK in bytes.
    member val LockedMemory = System.Int64.MaxValue with get, set

    /// The ring's thread counts as dead.
    member val IsKilled = false with get, set

    /// Charges memory that a ring or a buffer ring locks. False when the limit is reached.
    member this.Charge(bytes: int64) =
        if charged + bytes > this.LockedMemory then
            false
        else
            charged <- charged + bytes
            true

    /// The opcode exists in this version, and the simulation knows it.
    member _.Supports(opcode: Opcode) = KernelVersion.supports opcode world.Version && Strictness.knows opcode

    /// A ring without DEFER_TASKRUN runs its task work soon, without being asked.
    member this.Interrupt(ring: KernelRing) =
        if not ring.IsDeferred then
            world.Timeline.After(0L, "interrupt", (fun () -> this.Issuing.Run(ring, 20, 20))) |> ignore

    /// A ring of this process.
    member _.RingOf(descriptor: int) : KernelRing | null = ringOf descriptor

    /// MSG_RING: posts on another ring of this process. What the sender's completion says.
    member _.Message(submission: Submission) : int =
        match ringOf submission.Fd with
        | null -> Errno.toResult Errno.EBADFD
        | ring when ring.IsDisabled -> Errno.toResult Errno.EBADFD
        | ring ->
            ring.Tell {
                UserData = { Bits = submission.Offset }
                Result = int submission.Length
                Flags =
                    if (submission.OpFlags &&& OpFlags.MessageFlags) <> 0u then
                        LanguagePrimitives.EnumOfValue submission.FileIndex
                    else
                        CqeFlags.None
            }

            0

    /// close(2). `isLate`: a submission asked for it.
    member this.Close(descriptor: int, isLate: bool) : int =
        match ringOf descriptor with
        | null -> ()
        | ring when ring.InFlight.Count > 0 && not this.IsKilled ->
            world.Ledger.Broken(
                Rule.OneFinalCompletion,
                $"ring {descriptor} was closed with {ring.InFlight.Count} operations in flight"
            )
        | _ -> ()

        descriptors.Close(descriptor, isLate)

    /// pipe2(2): the numbers of both ends, or of none.
    member this.MakePipe() : Result<struct (int * int), Errno> =
        let struct (reader, writer) = Pipe.create world.Choices

        match descriptors.Add reader with
        | one when one < 0 ->
            writer.Release()
            Error(Errno.ofResult one)
        | one ->
            match descriptors.Add writer with
            | other when other < 0 ->
                this.Close(one, false) |> ignore
                Error(Errno.ofResult other)
            | other -> Ok(struct (one, other))
