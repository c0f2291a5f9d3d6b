// All the memory of one pool, which grows in equal steps: which slab a buffer lies in, and where.
namespace Uring.Driver

open System.Collections.Generic
open Uring.Kernel
open Uring.Model

[<Sealed>]
type internal Slabs(kernel: IKernel, options: BufferPoolOptions) =
    // Each of `Count` buffers, except the last, which may have fewer.
    let slabs = List<Slab>()

    // Mostly there is one slab, and nothing to divide.
    let slabOf id = if id < options.Count then slabs[0] else slabs[id / options.Count]
    let indexOf id = if id < options.Count then id else id % options.Count

    /// Memory for `count` more.
    member _.Add(count: int) : Result<unit, Errno> =
        Slab.Allocate(kernel, count, options.BufferSize, options.HugePages, options.Guarded)
        |> Result.map slabs.Add

    member _.AreHuge = slabs.Count > 0 && slabs[0].IsHuge

    /// Where the kernel finds a buffer.
    member _.KernelAddress(id: int) = (slabOf id).KernelAddress(indexOf id)

    /// Where the application finds it.
    member _.Address(id: int) = (slabOf id).Address(indexOf id)

    /// Whether the application may touch it from now on.
    member _.Guard(id: int, accessible: bool) =
        if options.Guarded then (slabOf id).Guard(indexOf id, accessible)

    /// Nobody uses them any more.
    member _.Free() =
        for slab in slabs do
            slab.Free()
