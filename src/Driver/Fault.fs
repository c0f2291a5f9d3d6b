// Turns an error result into the exception that a .NET developer expects: the one table from errno to exceptions.
// The kinds are decided by Model/Errno. Tested in tests/Linux/FaultTests.fs.
namespace Uring.Driver

open System
open System.IO
open System.Net.Sockets
open System.Runtime.ExceptionServices
open System.Runtime.InteropServices
open System.Threading
open Uring.Model

/// From errno to exception.
[<RequireQualifiedAccess>]
module Fault =

    /// `SocketException` takes a SocketError, not an errno: given 111 it would not say ConnectionRefused.
    let socketError (errno: Errno) =
        match errno with
        | Errno.EACCES -> SocketError.AccessDenied
        | Errno.EADDRINUSE -> SocketError.AddressAlreadyInUse
        | Errno.EADDRNOTAVAIL -> SocketError.AddressNotAvailable
        | Errno.EAFNOSUPPORT -> SocketError.AddressFamilyNotSupported
        | Errno.EAGAIN -> SocketError.WouldBlock
        | Errno.EALREADY -> SocketError.AlreadyInProgress
        | Errno.ECONNABORTED -> SocketError.ConnectionAborted
        | Errno.ECONNREFUSED -> SocketError.ConnectionRefused
        | Errno.ECONNRESET -> SocketError.ConnectionReset
        | Errno.EDESTADDRREQ -> SocketError.DestinationAddressRequired
        | Errno.EHOSTDOWN -> SocketError.HostDown
        | Errno.EHOSTUNREACH -> SocketError.HostUnreachable
        | Errno.EINPROGRESS -> SocketError.InProgress
        | Errno.EISCONN -> SocketError.IsConnected
        | Errno.EMFILE
        | Errno.ENFILE -> SocketError.TooManyOpenSockets
        | Errno.EINVAL -> SocketError.InvalidArgument
        | Errno.EMSGSIZE -> SocketError.MessageSize
        | Errno.ENETDOWN -> SocketError.NetworkDown
        | Errno.ENETRESET -> SocketError.NetworkReset
        | Errno.ENETUNREACH -> SocketError.NetworkUnreachable
        | Errno.ENOBUFS -> SocketError.NoBufferSpaceAvailable
        | Errno.ENOPROTOOPT -> SocketError.ProtocolOption
        | Errno.ENOTCONN -> SocketError.NotConnected
        | Errno.ENOTSOCK -> SocketError.NotSocket
        | Errno.EOPNOTSUPP -> SocketError.OperationNotSupported
        | Errno.EPFNOSUPPORT -> SocketError.ProtocolFamilyNotSupported
        | Errno.EPIPE
        | Errno.ESHUTDOWN -> SocketError.Shutdown
        | Errno.EPROTONOSUPPORT -> SocketError.ProtocolNotSupported
        | Errno.EPROTOTYPE -> SocketError.ProtocolType
        | Errno.ESOCKTNOSUPPORT -> SocketError.SocketNotSupported
        | Errno.ETIMEDOUT -> SocketError.TimedOut
        // An open set: what the BCL has no name for.
        | _ -> SocketError.SocketError

    /// "Could not open '/x': No such file or directory (ENOENT)."
    let private describe (operation: string) (subject: string | null) (errno: Errno) =
        let subject =
            match subject with
            | null -> ""
            | subject -> String.Concat(" '", subject, "'")

        String.Concat(
            String.Concat(operation, " failed", (if subject = "" then "" else " on"), subject),
            ": ",
            Marshal.GetPInvokeErrorMessage(int errno),
            String.Concat(" (", errno.ToString(), ").")
        )

    /// This kernel lacks the opcode.
    let private unsupported (opcode: Opcode) : exn =
        PlatformNotSupportedException(
            String.Concat(
                String.Concat("This kernel's io_uring has no ", opcode.ToString()),
                ": it needs Linux ",
                Catalogue.since opcode,
                " or newer."
            )
        )

    /// This kernel has the opcode, but not its multishot form, which came with the opcode `missing`.
    let withoutMultishot (opcode: Opcode) (missing: Opcode) : exn =
        PlatformNotSupportedException(
            String.Concat(
                String.Concat("This kernel's io_uring has no multishot ", opcode.ToString()),
                ": it needs Linux ",
                Catalogue.since missing,
                " or newer."
            )
        )

    /// This kernel has the opcode, but not with what is asked for, such as a flag.
    let tooOldFor (what: string) (since: string) : exn =
        PlatformNotSupportedException(
            String.Concat(
                String.Concat("This kernel has no ", what),
                ": it needs Linux ",
                since,
                " or newer."
            )
        )

    /// A completion that fits no operation: a rule of ours is wrong.
    let stranger (completion: Completion) : exn =
        InvalidOperationException(
            String.Join(
                "",
                "A completion fits no operation: slot ",
                (UserData.slot completion.UserData).ToString(),
                ", user data 0x",
                completion.UserData.Bits.ToString "x16",
                ", result ",
                completion.Result.ToString(),
                ", flags 0x",
                (uint32 completion.Flags).ToString "x",
                ". This is a bug in Uring: please report it with this message."
            )
        )

    /// The ring was made to refuse such operations.
    let forbidden (opcode: Opcode) : exn =
        UnauthorizedAccessException(
            String.Concat(
                "The ring was made with restrictions that do not allow ",
                opcode.ToString(),
                " (EACCES). Allow it (LoopOptions.Restriction, RingOptions.Restrictions), or use another ring."
            )
        )

    /// What does not depend on who was asked.
    let private ordinary (errno: Errno) (subject: string | null) (message: string) : exn =
        match Errno.kind errno with
        | ErrorKind.TimedOut -> TimeoutException message
        | ErrorKind.Closed -> ObjectDisposedException(subject, message)
        | ErrorKind.NotFound when errno = Errno.ENOTDIR -> DirectoryNotFoundException message
        | ErrorKind.NotFound -> FileNotFoundException(message, subject)
        | ErrorKind.AccessDenied -> UnauthorizedAccessException message
        | ErrorKind.Unsupported -> NotSupportedException message
        | ErrorKind.Invalid when errno = Errno.ENAMETOOLONG -> PathTooLongException message
        | ErrorKind.Invalid -> ArgumentException message
        | ErrorKind.Cancelled
        | ErrorKind.Network
        | ErrorKind.InputOutput -> IOException(message, int errno)

    /// The exception for a negative result of a system call that is no operation of a ring. `remedy` is empty, or a sentence.
    let ofCall (call: string) (subject: string | null) (result: int) (remedy: string) : exn =
        let errno = Errno.ofResult result
        let message = describe call subject errno
        ordinary errno subject (if remedy = "" then message else String.Concat(message, " ", remedy))

    /// The exception for a negative result of an operation on a descriptor, which may be a socket's.
    let internal ofResultOn
        (isSocket: bool)
        (opcode: Opcode)
        (subject: string | null)
        (result: int)
        (token: CancellationToken)
        : exn =
        let errno = Errno.ofResult result
        let message = describe (opcode.ToString()) subject errno

        match Errno.kind errno with
        | ErrorKind.Cancelled -> OperationCanceledException(message, token)
        // Ours, not the kernel's: Loop refuses an opcode that the probe did not list.
        | ErrorKind.Unsupported when errno = Errno.ENOSYS -> unsupported opcode
        | ErrorKind.TimedOut
        | ErrorKind.Closed -> ordinary errno subject message
        | _ when Catalogue.isOfSocket isSocket opcode && errno <> Errno.EINVAL ->
            SocketException(int (socketError errno), message)
        | _ -> ordinary errno subject message

    /// The exception for a negative result.
    let ofResult (opcode: Opcode) (subject: string | null) (result: int) (token: CancellationToken) : exn =
        ofResultOn false opcode subject result token

    /// The exception for a negative result of a system call on a socket.
    let ofSocketCall (call: string) (result: int) : exn =
        let errno = Errno.ofResult result
        SocketException(int (socketError errno), describe call null errno)

    /// A transfer of all bytes has come to an end after so many: nothing more was there, or was taken.
    let stopped (opcode: Opcode) (subject: string | null) (moved: int64) : exn =
        let count = moved.ToString()

        let named =
            match subject with
            | null -> "The file"
            | subject -> String.Concat("'", subject, "'")

        if Catalogue.flow opcode <> Flow.In then
            IOException(
                String.Concat(named, " took ", count, " bytes, and none of those that were left to write.")
            )
        else
            let ended =
                if Catalogue.isOfSocket false opcode then
                    "The peer finished"
                else
                    String.Concat(named, " ended")

            EndOfStreamException(
                String.Concat(ended, " after ", count, " bytes, before the buffer was full.")
            )

    /// Where an exception keeps how much had been done: see `transferred`.
    let private transferredKey = "Uring.Transferred"

    /// Notes how many bytes had been transferred before a transfer that has to be complete failed. False, so that it can be
    /// the filter of a `catch` that catches nothing. The first note stays.
    let noteTransferred (count: int64) (reason: exn) : bool =
        if not (reason.Data.Contains transferredKey) then reason.Data[transferredKey] <- count

        false

    /// How many bytes had been transferred when sending, writing or reading all of a buffer failed or was cancelled: so many
    /// are at their place, and how much of the rest is, nobody knows. Nothing when it was something else that failed.
    let transferred (reason: exn) : int64 voption =
        match reason.Data[transferredKey] with
        | :? int64 as count -> ValueSome count
        | _ -> ValueNone

    /// Adds what had been transferred before the transfer that has noted it, or nothing, and raises the exception again.
    let internal rethrowFurther (before: int64) (reason: exn) : 'T =
        let within = ValueOption.defaultValue 0L (transferred reason)
        reason.Data[transferredKey] <- before + within
        ExceptionDispatchInfo.Throw reason
        Unchecked.defaultof<'T>

    /// Notes it, and raises the exception again.
    let internal rethrowTransferred (count: int64) (reason: exn) : 'T =
        noteTransferred count reason |> ignore
        ExceptionDispatchInfo.Throw reason
        Unchecked.defaultof<'T>
