// Memory that the kernel has looked up and pinned once, so that no operation on it has to: for O_DIRECT, for many small
// transfers, for sends without a copy. Applies Model/Descriptor: its slot in the ring's table is a number like a
// descriptor's, free for a stranger's memory when it is given up, so that waits for the operations that name it.
// Source: man io_uring_registered_buffers(7). Tested in tests/Linux/RegisteredBufferTests.fs.
namespace Uring.Driver

open System
open System.Buffers
open System.Runtime.CompilerServices
open System.Threading
open System.Threading.Tasks
open Uring.Kernel
open Uring.Model

/// Whose slots they are.
type internal IBufferSlots =
    /// On the loop's thread: nobody names the slot any more.
    abstract Vacate: slot: int -> unit
    /// Ends if the ring fails: what the kernel may still write to is then never given back.
    abstract Lost: Task

/// Registered memory. As a `MemoryManager` it serves all operations; those that take `RegisteredMemory` gain by it.
/// `release` gives the memory itself back. From any thread.
[<Sealed>]
type RegisteredBuffer
    internal (host: IHost, slots: IBufferSlots, slot: int, address: nativeint, length: int, release: Action) =
    inherit MemoryManager<byte>()

    let gate = obj ()
    let gone = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    let mutable state = Descriptor.opened
    // Who gets the slot; nobody: it is empty then.
    let mutable heir: Work | null = null

    let end' () =
        release.Invoke()
        gone.TrySetResult() |> ignore

    /// The last operation has ended: nobody names the slot any more.
    let leave () =
        host.HandOver
            {
                new Work() with
                    member _.Run() =
                        match heir with
                        | null -> slots.Vacate slot
                        | heir -> heir.Run()

                        end' ()

                    // The table has gone with its ring.
                    member _.Bury() =
                        match heir with
                        | null -> ()
                        | heir -> heir.Bury()

                        end' ()
            }

    let apply (change: Descriptor -> struct (Descriptor * DescriptorVerdict)) =
        lock gate (fun () ->
            let struct (next, verdict) = change state
            state <- next
            verdict)

    /// Which slot of the ring's table it has; -1 when the kernel has no such tables, and operations on it are plain ones.
    member internal _.Slot = slot

    /// The loop whose table it is in.
    member internal _.Home = host

    /// Bytes.
    member _.Length = length

    /// The kernel knows it. Not so before Linux 5.19: it is memory like any other there.
    member _.IsRegistered = slot >= 0

    /// Nothing can start on it any more.
    member _.IsClosed = lock gate (fun () -> state.Opening <> Opening.Open)

    /// Ends when the operations on it have ended, the slot is free and the memory given back. When the ring has failed, what
    /// the kernel may still write to is kept instead.
    member _.Close() : Task =
        if apply Descriptor.close = DescriptorVerdict.CloseNow then leave ()

        if gone.Task.IsCompleted then gone.Task else Task.WhenAny(gone.Task, slots.Lost)

    /// Closes it, and the slot is another's then: `next` runs on the loop's thread when nobody names it any more.
    member internal _.PassOn(next: Work) =
        let verdict =
            apply (fun before ->
                let struct (after, verdict) = Descriptor.close before
                if verdict <> DescriptorVerdict.Ignore then heir <- next
                struct (after, verdict))

        match verdict with
        | DescriptorVerdict.CloseNow -> leave ()
        | DescriptorVerdict.CancelOperations -> ()
        | DescriptorVerdict.Start
        | DescriptorVerdict.Refuse
        | DescriptorVerdict.Ignore
        | DescriptorVerdict.Violation -> raise (ObjectDisposedException "RegisteredBuffer")

    override _.GetSpan() =
        ObjectDisposedException.ThrowIf((state.Opening = Opening.Closed), typeof<RegisteredBuffer>)
        Mapped.span address length

    override this.Pin index =
        match apply Descriptor.began with
        | DescriptorVerdict.Start -> Mapped.handle (address + nativeint index) this
        | DescriptorVerdict.Refuse
        | DescriptorVerdict.CancelOperations
        | DescriptorVerdict.CloseNow
        | DescriptorVerdict.Ignore
        | DescriptorVerdict.Violation -> raise (ObjectDisposedException "RegisteredBuffer")

    override _.Unpin() = if apply Descriptor.ended = DescriptorVerdict.CloseNow then leave ()

    override this.Dispose(_: bool) = this.Close() |> ignore

    /// One that was dropped without being closed.
    override this.Finalize() = this.Close() |> ignore

/// Part of a registered buffer.
[<Struct; IsReadOnly; NoEquality; NoComparison>]
type RegisteredMemory = internal {
    Owner: RegisteredBuffer
    Start: int
    Count: int
} with

    /// Bytes.
    member this.Length = this.Count

    /// As memory like any other, which is valid until the buffer is closed.
    member this.Memory = this.Owner.Memory.Slice(this.Start, this.Count)

    /// A part of it.
    member this.Slice(start: int, length: int) =
        ArgumentOutOfRangeException.ThrowIfNegative(start, nameof start)
        ArgumentOutOfRangeException.ThrowIfNegative(length, nameof length)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, this.Count, nameof start)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, this.Count - start, nameof length)
        { Owner = this.Owner; Start = this.Start + start; Count = length }
