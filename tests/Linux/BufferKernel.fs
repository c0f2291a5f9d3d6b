/// The kernel's side of a buffer ring, by the kernel's rules and nothing else: it takes entries from the shared memory,
/// writes where they say, and tells of it by completions. It shares no rule with the model.
namespace Uring.Tests.Linux

open System
open Uring.Kernel
open Uring.Model

[<Sealed>]
type internal BufferKernel() =
    let real = LinuxKernel.Instance
    let mutable ring = 0n
    let mutable entries = 0
    let mutable incremental = false
    let mutable head = 0us
    let mutable written = 0uy
    let areas = Collections.Generic.List<nativeint>()

    let entryOf (position: uint16) = ring + nativeint (int position &&& (entries - 1)) * 16n
    let isEmpty () = head = Mapped.read<uint16>(ring + 14n)

    /// Fills one buffer with at most `count` new bytes. The buffer stays when it is incremental and has room left.
    let fill count =
        let entry = entryOf head
        let address = Mapped.read<uint64> entry
        let length = Mapped.read<uint32>(entry + 8n)
        let part = min count (int length)

        for byte in (Mapped.span (nativeint address) part).ToArray() |> Array.indexed do
            written <- written + 1uy
            Mapped.write<uint8> (nativeint address + nativeint (fst byte)) written

        let stays = incremental && part < int length

        if incremental then
            Mapped.write<uint64> entry (address + uint64 part)
            Mapped.write<uint32> (entry + 8n) (length - uint32 part)

        if not stays then head <- head + 1us
        struct (part, stays)

    let completion result flags : Completion = {
        UserData = Unchecked.defaultof<UserData>
        Result = result
        Flags = flags
    }

    member _.Head = head
    /// The ring's memory, and then the slabs', in the order in which they were allocated.
    member _.Areas = areas
    member _.Tail = Mapped.read<uint16>(ring + 14n)

    /// What an entry says: address, length, id.
    member _.Entry(slot: int) =
        let entry = ring + nativeint slot * 16n

        struct (Mapped.read<uint64> entry,
                int (Mapped.read<uint32>(entry + 8n)),
                int (Mapped.read<uint16>(entry + 12n)))

    /// A receive of so many bytes, into several buffers if it is a bundle; the bytes, of which each is one more than the
    /// one before.
    member _.Receive(count: int, isBundle: bool) : struct (Completion * byte array) =
        if isEmpty () then
            struct (completion (Errno.toResult Errno.ENOBUFS) CqeFlags.None, [||])
        else
            let first = written
            let id = Mapped.read<uint16>(entryOf head + 12n)
            let mutable left = count
            let struct (part, stays) = fill left
            let mutable last = stays
            left <- left - part

            while isBundle && left > 0 && not (isEmpty ()) do
                let struct (part, stays) = fill left
                last <- stays
                left <- left - part

            let flags =
                CqeFlags.Buffer
                ||| CqeFlags.More
                ||| (if last then CqeFlags.BufferMore else CqeFlags.None)
                ||| LanguagePrimitives.EnumOfValue(uint32 id <<< 16)

            struct (completion (count - left) flags,
                    Array.init (count - left) (fun index -> first + byte (index + 1)))

    /// Gives up the rest of a buffer that it has used in part, and tells nobody.
    member _.GiveUpRest(size: int) =
        if not (isEmpty ()) then
            let length = Mapped.read<uint32>(entryOf head + 8n)

            if int length < size then head <- head + 1us

    interface IKernel with
        member _.Setup(_, _) = Errno.toResult Errno.ENOSYS
        member _.Enter(_, _, _, _, _, _) = Errno.toResult Errno.ENOSYS

        member _.Register(_, opcode, argument, _) =
            match opcode with
            | RegisterOpcode.BufferRing ->
                ring <- nativeint (BitConverter.ToInt64(Span.op_Implicit argument))
                entries <- BitConverter.ToInt32(Span.op_Implicit (argument.Slice 8))
                incremental <- BitConverter.ToUInt16(Span.op_Implicit (argument.Slice 14)) <> 0us
                0
            | RegisterOpcode.BufferRingStatus ->
                BitConverter.TryWriteBytes(argument.Slice 4, uint32 head) |> ignore
                0
            | _ -> 0

        member _.Map(_, _, _) = nativeint (Errno.toResult Errno.ENOSYS)

        member _.Allocate(length, kind) =
            let address = real.Allocate(length, kind)
            areas.Add address
            address

        member _.Mirror(address, length) = real.Mirror(address, length)
        member _.Protect(address, length, accessible) = real.Protect(address, length, accessible)
        member _.Unmap(address, length) = real.Unmap(address, length)
        member _.Close _ = 0
        member _.Notify() = real.Notify()
        member _.Watch(descriptor, path, mask) = real.Watch(descriptor, path, mask)
        member _.Unwatch(descriptor, watch) = real.Unwatch(descriptor, watch)
        member _.OpenProcess id = real.OpenProcess id
        member _.Signal(descriptor, signal) = real.Signal(descriptor, signal)
        member _.SignalMany(group, signal) = real.SignalMany(group, signal)

        member _.SocketName(_, _, _) = Errno.toResult Errno.ENOSYS
        member _.GetSocketOption(_, _, _, _) = Errno.toResult Errno.ENOSYS
        member _.SetSocketOption(_, _, _, _) = Errno.toResult Errno.ENOSYS
        member _.Duplicate _ = Errno.toResult Errno.ENOSYS
        member _.OpenedAs _ = Errno.toResult Errno.ENOSYS
        member _.ModeOf _ = Errno.toResult Errno.ENOSYS
        member _.Pipe(_, _) = Errno.toResult Errno.ENOSYS
        member _.Truncate(_, _) = Errno.toResult Errno.ENOSYS
        member _.Bind(_, _) = Errno.toResult Errno.ENOSYS
        member _.Listen(_, _) = Errno.toResult Errno.ENOSYS
