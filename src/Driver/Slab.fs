// The memory of some equal buffers, allocated at once and page aligned. Guarded, it is mapped twice: the kernel's view is
// always open, the application's only while the buffer is the application's. Decides nothing about who owns what.
namespace Uring.Driver

open Uring.Kernel
open Uring.Model

[<Sealed>]
type internal Slab
    private
    (
        kernel: IKernel,
        kernelView: nativeint,
        applicationView: nativeint,
        length: unativeint,
        stride: int,
        isHuge: bool
    ) =
    let isGuarded = kernelView <> applicationView

    let mutable isFree = false

    static let pageSize = 4096
    static let hugePageSize = 2 * 1024 * 1024

    static let roundUp (unit: int) (length: int64) = (length + int64 unit - 1L) / int64 unit * int64 unit

    /// Bytes from one buffer to the next. A guard protects whole pages.
    static member Stride(size: int, guarded: bool) = if guarded then int (roundUp pageSize size) else size

    static member private Plain(kernel: IKernel, length, stride, isHuge, kind) : Result<Slab, Errno> =
        let address = kernel.Allocate(length, kind)

        if address < 0n then
            Error(Errno.ofResult (int address))
        else
            Ok(Slab(kernel, address, address, length, stride, isHuge))

    static member private Guarded(kernel: IKernel, length, stride) : Result<Slab, Errno> =
        let kernelView = kernel.Allocate(length, MemoryKind.Mirrored)

        if kernelView < 0n then
            Error(Errno.ofResult (int kernelView))
        else
            let applicationView = kernel.Mirror(kernelView, length)

            if applicationView < 0n then
                kernel.Unmap(kernelView, length) |> ignore
                Error(Errno.ofResult (int applicationView))
            else
                Ok(Slab(kernel, kernelView, applicationView, length, stride, false))

    /// Room for `count` buffers of `size` bytes. Huge pages are a wish: where the system keeps none ready, it is
    /// ordinary pages.
    static member Allocate(kernel: IKernel, count: int, size: int, huge: bool, guarded: bool) =
        let stride = Slab.Stride(size, guarded)
        let bytes = int64 count * int64 stride
        let length = unativeint (roundUp pageSize bytes)

        if guarded then
            Slab.Guarded(kernel, length, stride)
        elif huge then
            let hugeLength = unativeint (roundUp hugePageSize bytes)

            match Slab.Plain(kernel, hugeLength, stride, true, MemoryKind.Huge) with
            | Ok slab -> Ok slab
            | Error _ -> Slab.Plain(kernel, length, stride, false, MemoryKind.Ordinary)
        else
            Slab.Plain(kernel, length, stride, false, MemoryKind.Ordinary)

    /// It lies in huge pages.
    member _.IsHuge = isHuge

    /// Where the kernel finds buffer `index` of this slab.
    member _.KernelAddress(index: int) = kernelView + nativeint index * nativeint stride

    /// Where the application finds it.
    member _.Address(index: int) = applicationView + nativeint index * nativeint stride

    /// From now on the application may touch buffer `index`, or may not.
    member this.Guard(index: int, accessible: bool) =
        if isGuarded then
            kernel.Protect(this.Address index, unativeint stride, accessible) |> ignore

    /// Nobody uses it any more.
    member _.Free() =
        if not isFree then
            isFree <- true

            if isGuarded then kernel.Unmap(applicationView, length) |> ignore

            kernel.Unmap(kernelView, length) |> ignore
