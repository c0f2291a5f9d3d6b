// Slots of a ring's own table, for F# programs: chosen ones, and several at a time.
namespace Uring.FSharp

open System
open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// Slots of a ring's own table that a program chooses (`LoopOptions.ReservedDescriptors`), and several descriptors at a time
/// (Linux 6.0).
[<RequireQualifiedAccess>]
module DirectSlots =

    /// A slot of the program's ring, 0 or more and less than its `ReservedDescriptors`. It is a name: two of the same number are
    /// the same slot.
    let ofNumber (number: int) : Uring<DirectSlot> =
        Program.ofScope (fun scope -> ValueTask<DirectSlot>(DirectSlot(scope.Loop, number)))

    /// What is in the slot, as a file. Closing that does nothing: the slot is the program's.
    let file (slot: DirectSlot) (path: string) : File = File(slot.Loop, slot.Descriptor, path)

    /// The same as a socket; `family` is for those that are accepted on it.
    let socket (slot: DirectSlot) (family: Net.Sockets.AddressFamily) : Socket =
        Socket(slot.Loop, slot.Loop.BorrowDirect slot.Number, family)

    /// Empties the slot. ObjectDisposedException (EBADF) when nothing is in it.
    let close (slot: DirectSlot) : Uring<unit> = Program.effect (SlotRequest.close slot)

    /// On the loop's thread, so that none of them is closed before its number is read.
    let private start
        (loop: Loop)
        (first: uint32)
        (sources: FileDescriptor array)
        (token: CancellationToken)
        =
        for source in sources do
            if not (obj.ReferenceEquals(source.Home, loop)) then
                raise (
                    ArgumentException(
                        "All have to belong to the ring whose table they go into.",
                        nameof sources
                    )
                )

            if source.IsDirect then
                raise (InvalidOperationException "This is a slot of the ring's own table already.")

        task {
            let! struct (request, started) =
                loop.Call(fun () ->
                    for source in sources do
                        ObjectDisposedException.ThrowIf(source.IsClosed, source)

                    let request = SlotRequest.update first (sources |> Array.map _.Number)
                    struct (request, loop.TryStart(&request, token).AsTask()))

            let! result = started
            return struct (request, result)
        }

    let private descriptors (name: string) (sources: IReadOnlyCollection<FileDescriptor>) =
        ArgumentNullException.ThrowIfNull(sources, name)
        ArgumentOutOfRangeException.ThrowIfZero(sources.Count, name)
        Array.ofSeq sources

    let internal putOn
        (first: DirectSlot)
        (sources: IReadOnlyCollection<FileDescriptor>)
        (token: CancellationToken)
        : Task<int> =
        let sources = descriptors (nameof sources) sources

        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            sources.Length,
            first.Loop.ReservedDescriptors - first.Number,
            nameof sources
        )

        task {
            let! struct (_, result) = start first.Loop (uint32 first.Number) sources token

            return if result < 0 then raise (Fault.ofResult Opcode.FilesUpdate null result token) else result
        }

    /// Puts descriptors of the process into the slots from `first` on, in place of what is there. They stay open: both are
    /// the same. The result counts them, and is less when one in the middle could not be put. man io_uring_prep_files_update(3).
    let put (first: DirectSlot) (sources: IReadOnlyCollection<FileDescriptor>) : Uring<int> =
        Program.ofScope (fun scope -> ValueTask<int>(putOn first sources scope.Token))

    /// All, or none.
    let internal makeAllDirect
        (loop: Loop)
        (sources: IReadOnlyCollection<FileDescriptor>)
        (token: CancellationToken)
        : Task<FileDescriptor array> =
        let sources = descriptors (nameof sources) sources

        task {
            let! struct (request, result) = start loop OpFlags.AllocateFile sources token

            if result < 0 then raise (Fault.ofResult Opcode.FilesUpdate null result token)

            let made = SlotRequest.slotsOf request result |> Array.map loop.OwnDirect

            if made.Length < sources.Length then
                for direct in made do
                    let! _ = loop.CloseDescriptor direct
                    ()

                raise (Fault.ofResult Opcode.FilesUpdate null (Errno.toResult Errno.ENFILE) token)

            return made
        }

    /// As `File.makeDirect`, for several at once: all of them, or none and an error (ENFILE, 23).
    let makeDirect (files: File list) : Uring<File list> =
        Program.ofScope (fun scope ->
            ValueTask<File list>(
                task {
                    let sources = files |> List.map _.Descriptor |> Array.ofList
                    let! made = makeAllDirect scope.Loop sources scope.Token

                    return
                        List.map2
                            (fun (file: File) direct -> File(file.Loop, direct, file.Path))
                            files
                            (List.ofArray made)
                }
            ))
