// Decides how to read a completion. Knows nothing of who waits for it.
// Tested in CompletionLaws.fs. Source: man io_uring(7), struct io_uring_cqe.
namespace Uring.Model

open System.Runtime.CompilerServices
open System.Runtime.InteropServices

/// One CQE as an immutable 16-byte value, in the kernel's own layout.
///
/// Laws
///  1. total: every 128-bit pattern decodes to something
///  2. a completion is either bytes or an error, never both
///  3. only the MORE bit says whether more completions follow
///  4. a buffer id is there exactly when the BUFFER bit is set, whatever the result is
///  5. a result with its hint comes apart into both; an error has none
[<Struct; IsReadOnly; StructLayout(LayoutKind.Sequential, Size = 16); NoComparison>]
type Completion = {
    /// @0 the submission's user data, echoed.
    UserData: UserData
    /// @8 bytes, a descriptor or zero; a negative errno on failure.
    Result: int
    /// @12 flags; the upper 16 bits may hold a buffer id.
    Flags: CqeFlags
}

/// How to read a completion; see `Completion` for the laws.
[<RequireQualifiedAccess>]
module Completion =

    /// More completions of the same submission will come.
    let more completion = uint32 (completion.Flags &&& CqeFlags.More) <> 0u

    /// The zero-copy notification: the kernel no longer reads the buffer.
    let notification completion = uint32 (completion.Flags &&& CqeFlags.Notification) <> 0u

    /// A provided buffer came with it.
    let hasBuffer completion = uint32 (completion.Flags &&& CqeFlags.Buffer) <> 0u

    /// There is more to receive, or another connection to accept (5.19; ACCEPT 6.10). Without it there was nothing more when
    /// it completed, or this socket does not say.
    let nonEmpty completion = uint32 (completion.Flags &&& CqeFlags.SocketNonEmpty) <> 0u

    /// The same provided buffer will come again: the kernel has used only a part (incremental rings, 6.12).
    let bufferMore completion = uint32 (completion.Flags &&& CqeFlags.BufferMore) <> 0u

    /// The id of the provided buffer that came with the completion, if one did.
    let buffer completion = int (uint32 completion.Flags >>> 16)

    /// The id of the provided buffer that came with the completion.
    let bufferId completion =
        if hasBuffer completion then ValueSome(uint16 (buffer completion)) else ValueNone

    /// Bytes (or another non-negative result), or the error.
    let (|Succeeded|Failed|) completion =
        if Errno.isError completion.Result then
            Failed(Errno.ofResult completion.Result)
        else
            Succeeded completion.Result

/// A number of bytes, and whether there is more, in one number: an operation has one result. See law 5 of `Completion`.
[<RequireQualifiedAccess>]
module Hint =

    // The kernel's own limit for one transfer is just below 2 GiB.
    let private bit = 0x4000_0000

    /// A transfer whose result tells more may not be longer than this.
    [<Literal>]
    let Most = 0x3fff_ffff

    /// The result, with the hint that came with it.
    let pack (completion: Completion) =
        if completion.Result >= 0 && Completion.nonEmpty completion then
            completion.Result ||| bit
        else
            completion.Result

    /// How many bytes, and whether there is more.
    let ofResult (result: int) = struct (result &&& Most, (result &&& bit) <> 0)
