// The Linux kernel behind the seam: each member is one system call.
namespace Uring.Kernel

open System
open System.Runtime.InteropServices
open Microsoft.FSharp.NativeInterop
open Uring.Model

#nowarn "9" // Pointers: this file's business.

/// struct io_uring_getevents_arg, 24 bytes.
[<Struct; StructLayout(LayoutKind.Sequential, Size = 24)>]
type internal GetEventsArgument = {
    SignalMask: uint64
    SignalMaskSize: uint32
    MinimumWait: uint32
    Timespec: nativeint
}

/// struct __kernel_timespec, 16 bytes.
[<Struct; StructLayout(LayoutKind.Sequential, Size = 16)>]
type internal Timespec = { Seconds: int64; Nanoseconds: int64 }

/// The running Linux kernel. It has no state: one instance serves every ring.
[<Sealed>]
type LinuxKernel private () =

    static let instance = LinuxKernel() :> IKernel

    /// The kernel that this process runs on.
    static member Instance = instance

    interface IKernel with

        member _.Setup(entries, parameters) =
            use pointer = fixed &parameters
            Native.setup entries (NativePtr.toNativeInt pointer)

        member _.Enter(ring, toSubmit, minComplete, flags, timeout, minimum) =
            if timeout < 0L then
                Native.enter ring toSubmit minComplete (uint32 flags) 0n 0
            else
                let mutable timespec = {
                    Seconds = timeout / 1_000_000_000L
                    Nanoseconds = timeout % 1_000_000_000L
                }

                use timespecPointer = fixed &timespec

                let mutable argument = {
                    SignalMask = 0UL
                    SignalMaskSize = 8u
                    MinimumWait = minimum
                    Timespec = NativePtr.toNativeInt timespecPointer
                }

                use pointer = fixed &argument
                let flags = uint32 (flags ||| EnterFlags.ExtendedArgument)
                Native.enter ring toSubmit minComplete flags (NativePtr.toNativeInt pointer) 24

        member _.Register(ring, opcode, argument, count) =
            use pointer = fixed &MemoryMarshal.GetReference argument
            Native.register ring (uint32 opcode) (NativePtr.toNativeInt pointer) count

        member _.Map(ring, length, offset) = Native.map ring length offset

        member _.Allocate(length, kind) = Native.allocate length kind

        member _.Mirror(address, length) = Native.mirror address length

        member _.Protect(address, length, accessible) = Native.protect address length accessible

        member _.Unmap(address, length) = Native.unmap address length

        member _.Close descriptor = Native.close descriptor

        member _.Notify() = Native.notify ()

        member _.Watch(descriptor, path, mask) =
            use pointer = fixed &MemoryMarshal.GetReference path
            Native.watch descriptor (NativePtr.toNativeInt pointer) mask

        member _.Unwatch(descriptor, watch) = Native.unwatch descriptor watch

        member _.OpenProcess id = Native.openProcess id

        member _.Signal(descriptor, signal) = Native.signal descriptor signal

        member _.SignalMany(group, signal) = Native.signalMany group signal

        member _.SocketName(descriptor, ofPeer, address) =
            use pointer = fixed &MemoryMarshal.GetReference address
            Native.socketName descriptor ofPeer (NativePtr.toNativeInt pointer) address.Length

        member _.GetSocketOption(descriptor, level, name, value) =
            use pointer = fixed &MemoryMarshal.GetReference value
            Native.getOption descriptor level name (NativePtr.toNativeInt pointer) value.Length

        member _.SetSocketOption(descriptor, level, name, value) =
            use pointer = fixed &MemoryMarshal.GetReference value
            Native.setOption descriptor level name (NativePtr.toNativeInt pointer) value.Length

        member _.Duplicate descriptor = Native.duplicate descriptor

        member _.OpenedAs descriptor = Native.openedAs descriptor

        member _.ModeOf descriptor = Native.modeOf descriptor

        member _.Pipe(ends, flags) =
            use pointer = fixed &MemoryMarshal.GetReference ends
            Native.makePipe (NativePtr.toNativeInt pointer) flags

        member _.Truncate(descriptor, length) = Native.truncate descriptor length

        member _.Bind(descriptor, address) =
            use pointer = fixed &MemoryMarshal.GetReference address
            Native.bindTo descriptor (NativePtr.toNativeInt pointer) address.Length

        member _.Listen(descriptor, backlog) = Native.listenFor descriptor backlog
