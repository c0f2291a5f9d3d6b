// The memory that a simulated kernel shares with a program. What the program gives back stays mapped until the end of the
// run, so that a late access is a broken rule with a name, and no crash.
namespace Uring.Simulation.Kernel

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open Uring.Kernel
open Uring.Model
open Uring.Simulation

#nowarn "9" // Pointers: this folder's business.

/// One stretch of memory.
[<Sealed>]
type internal Area(start: nativeint, length: unativeint) =
    member _.Start = start
    member _.Length = length
    member _.End = start + nativeint length
    /// The program has unmapped it.
    member val IsGone = false with get, set

    member this.Overlaps(address: nativeint, size: nativeint) =
        address < this.End && address + size > this.Start

/// All memory of one simulation.
[<Sealed>]
type internal SimulatedMemory(ledger: Ledger) =
    let areas = List<Area>()
    let blocks = List<nativeint>()
    // Mirrored memory is the real kernel's: a second view of the same pages cannot be had otherwise.
    let mirrored = List<struct (nativeint * unativeint)>()
    let page = 4096n

    let find (address: nativeint) =
        let mutable found: Area | null = null
        let mutable index = areas.Count - 1

        while isNull found && index >= 0 do
            if areas[index].Overlaps(address, 1n) then found <- areas[index]
            index <- index - 1

        found

    let add (start: nativeint) (length: unativeint) =
        areas.Add(Area(start, length))
        start

    /// Fresh, zeroed and page aligned. Large blocks cost nothing until they are touched.
    member _.Allocate(length: unativeint) : nativeint =
        let block =
            NativeInterop.NativePtr.toNativeInt (
                NativeInterop.NativePtr.ofVoidPtr<byte>(NativeMemory.AllocZeroed(length + unativeint page))
            )

        blocks.Add block
        add ((block + page - 1n) / page * page) length

    member this.Allocate(length: unativeint, kind: MemoryKind) : nativeint =
        match kind with
        | MemoryKind.Ordinary
        | MemoryKind.Huge -> this.Allocate length
        | MemoryKind.Mirrored ->
            let start = LinuxKernel.Instance.Allocate(length, kind)

            if start >= 0n then
                mirrored.Add(struct (start, length))
                add start length
            else
                start

    member _.Mirror(address: nativeint, length: unativeint) =
        let second = LinuxKernel.Instance.Mirror(address, length)

        if second >= 0n then
            mirrored.Add(struct (second, length))
            add second length
        else
            second

    /// munmap(2). `inUse` says why the kernel still needs it, or null.
    member _.Unmap(address: nativeint, length: unativeint, inUse: string | null) : int =
        match find address with
        | null -> Errno.toResult Errno.EINVAL
        | area when area.IsGone ->
            ledger.Broken(Rule.MemoryKept, $"memory at 0x{address:x} was unmapped twice")
            0
        | area ->
            match inUse with
            | null -> ()
            | reason ->
                ledger.Broken(
                    Rule.MemoryKept,
                    $"{length} bytes at 0x{address:x} were unmapped while the kernel uses them: {reason}"
                )

            area.IsGone <- true
            0

    /// The kernel is about to write there.
    member _.CheckWrite(address: uint64, length: int, who: string) =
        match find (nativeint address) with
        | null -> ()
        | area when area.IsGone ->
            ledger.Broken(
                Rule.MemoryKept,
                $"{who} writes {length} bytes to 0x{address:x}, which was unmapped"
            )
        | _ -> ()

    /// At the end of the run: nothing may refer to this memory any more.
    member _.Free() =
        for block in blocks do
            NativeMemory.Free(block.ToPointer())

        for struct (start, length) in mirrored do
            LinuxKernel.Instance.Unmap(start, length) |> ignore

        blocks.Clear()
        mirrored.Clear()
        areas.Clear()
