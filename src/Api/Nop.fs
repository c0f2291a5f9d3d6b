// Operations that do nothing, on the way of those that do something: what a look-up costs, and what an error leads to.
namespace Uring.FSharp

open System
open Uring.Driver
open Uring.Model

/// What a NOP meets on its way: `Nop.plain` with changes.
[<NoEquality; NoComparison>]
type NopOptions = {
    /// What it ends with (Linux 6.10): an error number, negative, is raised as if an operation had met it.
    Result: int
    /// Looked up as the file of an operation is, direct or not, or nothing (Linux 6.13).
    Descriptor: FileDescriptor | null
    /// Looked up as the memory of an operation is, or nothing (Linux 6.13). One that the kernel could not register is not.
    Buffer: RegisteredBuffer | null
    /// Ends by task work, as what had to wait does (Linux 6.17).
    ByTaskWork: bool
}

/// NOPs for measuring and for tests. man io_uring_prep_nop(3).
[<RequireQualifiedAccess>]
module Nop =

    /// Nothing at all.
    let plain = { Result = 0; Descriptor = null; Buffer = null; ByTaskWork = false }

    /// As a request, for a chain on this loop: `let! loop = Uring.loop`. ArgumentException when the descriptor or the
    /// buffer is another ring's; PlatformNotSupportedException when the kernel is older than what is asked for.
    let request (loop: Loop) (options: NopOptions) : Request =
        let slot =
            match options.Buffer with
            | null -> ValueNone
            | buffer -> RegisteredRequest.slotOn (nameof options) loop buffer

        let fileFlags =
            match options.Descriptor with
            | null -> 0u
            | file when not (obj.ReferenceEquals(file.Home, loop)) ->
                raise (ArgumentException("The file is on another ring.", nameof options))
            | file when file.IsDirect -> OpFlags.NopFile ||| OpFlags.NopFixedFile
            | _ -> OpFlags.NopFile

        let flags =
            fileFlags
            ||| (if options.Result = 0 then 0u else OpFlags.InjectResult)
            ||| (if slot.IsSome then OpFlags.NopFixedBuffer else 0u)
            ||| (if options.ByTaskWork then OpFlags.NopTaskWork else 0u)

        match Features.missingForNop flags loop.Plan with
        | ValueSome since -> raise (Fault.tooOldFor "such NOPs" since)
        | ValueNone ->
            let number =
                match options.Descriptor with
                | null -> -1
                | file -> file.Number

            {
                Request.bare (
                    Submission.nopLike number options.Result flags (ValueOption.defaultValue 0us slot)
                ) with
                    Target = options.Descriptor
                    // Pinned, so that its slot stays its own.
                    Buffer =
                        match options.Buffer with
                        | null -> Memory.Empty
                        | buffer -> buffer.Memory
            }

    /// Does nothing, by this way. The result is what `options` say; errors are exceptions: of a descriptor that is closed
    /// ObjectDisposedException, say.
    let perform (options: NopOptions) : Uring<int> =
        Program.ofScope (fun scope ->
            let started = Program.single (request scope.Loop options)
            started.Start scope)
