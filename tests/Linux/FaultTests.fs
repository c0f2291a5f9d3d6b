/// The table from errno to exceptions, row by row: for an operation on a file, for one on a socket, and for one that works on
/// either; and that what fails on a socket ends so, whatever its opcode.
module Uring.Tests.Linux.FaultTests

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

/// What a socket's operation ends with: the same as a file's, or a SocketException with this code.
type private OfSocket =
    | Same
    | Code of SocketError

let private io = typeof<IOException>
let private argument = typeof<ArgumentException>
let private refused = typeof<UnauthorizedAccessException>
let private cancelled = typeof<OperationCanceledException>
let private closed = typeof<ObjectDisposedException>
let private other = Code SocketError.SocketError

let private table: (Errno * Type * OfSocket) list = [
    Errno.EPERM, refused, other
    Errno.ENOENT, typeof<FileNotFoundException>, other
    Errno.ESRCH, io, other
    Errno.EINTR, cancelled, Same
    Errno.EIO, io, other
    Errno.ENXIO, io, other
    Errno.EBADF, closed, Same
    Errno.ECHILD, io, other
    Errno.EAGAIN, io, Code SocketError.WouldBlock
    Errno.ENOMEM, io, other
    Errno.EACCES, refused, Code SocketError.AccessDenied
    Errno.EFAULT, argument, other
    Errno.EBUSY, io, other
    Errno.EEXIST, io, other
    Errno.EXDEV, io, other
    Errno.ENOTDIR, typeof<DirectoryNotFoundException>, other
    Errno.EISDIR, io, other
    Errno.EINVAL, argument, Same
    Errno.ENFILE, io, Code SocketError.TooManyOpenSockets
    Errno.EMFILE, io, Code SocketError.TooManyOpenSockets
    Errno.EFBIG, io, other
    Errno.ENOSPC, io, other
    Errno.ESPIPE, io, other
    Errno.EROFS, refused, other
    Errno.EPIPE, io, Code SocketError.Shutdown
    Errno.ERANGE, io, other
    Errno.ENAMETOOLONG, typeof<PathTooLongException>, other
    // Ours: the kernel lacks the opcode.
    Errno.ENOSYS, typeof<PlatformNotSupportedException>, Same
    Errno.ENOTEMPTY, io, other
    Errno.ELOOP, io, other
    Errno.EBADR, io, other
    Errno.ENODATA, io, other
    Errno.ETIME, typeof<TimeoutException>, Same
    Errno.EOVERFLOW, io, other
    Errno.EBADFD, closed, Same
    Errno.ENOTSOCK, io, Code SocketError.NotSocket
    Errno.EDESTADDRREQ, io, Code SocketError.DestinationAddressRequired
    Errno.EMSGSIZE, io, Code SocketError.MessageSize
    Errno.EPROTOTYPE, io, Code SocketError.ProtocolType
    Errno.ENOPROTOOPT, io, Code SocketError.ProtocolOption
    Errno.EPROTONOSUPPORT, io, Code SocketError.ProtocolNotSupported
    Errno.ESOCKTNOSUPPORT, io, Code SocketError.SocketNotSupported
    Errno.EOPNOTSUPP, typeof<NotSupportedException>, Code SocketError.OperationNotSupported
    Errno.EPFNOSUPPORT, io, Code SocketError.ProtocolFamilyNotSupported
    Errno.EAFNOSUPPORT, io, Code SocketError.AddressFamilyNotSupported
    Errno.EADDRINUSE, io, Code SocketError.AddressAlreadyInUse
    Errno.EADDRNOTAVAIL, io, Code SocketError.AddressNotAvailable
    Errno.ENETDOWN, io, Code SocketError.NetworkDown
    Errno.ENETUNREACH, io, Code SocketError.NetworkUnreachable
    Errno.ENETRESET, io, Code SocketError.NetworkReset
    Errno.ECONNABORTED, io, Code SocketError.ConnectionAborted
    Errno.ECONNRESET, io, Code SocketError.ConnectionReset
    Errno.ENOBUFS, io, Code SocketError.NoBufferSpaceAvailable
    Errno.EISCONN, io, Code SocketError.IsConnected
    Errno.ENOTCONN, io, Code SocketError.NotConnected
    Errno.ESHUTDOWN, io, Code SocketError.Shutdown
    Errno.ETIMEDOUT, io, Code SocketError.TimedOut
    Errno.ECONNREFUSED, io, Code SocketError.ConnectionRefused
    Errno.EHOSTDOWN, io, Code SocketError.HostDown
    Errno.EHOSTUNREACH, io, Code SocketError.HostUnreachable
    Errno.EALREADY, io, Code SocketError.AlreadyInProgress
    Errno.EINPROGRESS, io, Code SocketError.InProgress
    Errno.EDQUOT, io, other
    Errno.ECANCELED, cancelled, Same
    Errno.EOWNERDEAD, io, other
    Errno.ERESTARTSYS, cancelled, Same
    Errno.ERESTARTNOINTR, cancelled, Same
    Errno.ERESTARTNOHAND, cancelled, Same
    Errno.ERESTART_RESTARTBLOCK, cancelled, Same
]

let private faultOn isSocket opcode (errno: Errno) =
    Fault.ofResultOn isSocket opcode "x" (Errno.toResult errno) CancellationToken.None

let private isFiles errno (expected: Type) (failure: exn) =
    Expect.equal (failure.GetType()) expected $"{errno}: {failure.Message}"
    // The number is told where no type says it.
    if expected = io then Expect.equal failure.HResult (int errno) $"{errno}: HResult"

let private isSockets errno expected (ofSocket: OfSocket) (failure: exn) =
    match ofSocket, failure with
    | Same, _ -> isFiles errno expected failure
    | Code code, (:? SocketException as reason) -> Expect.equal reason.SocketErrorCode code $"{errno}"
    | Code _, _ -> failtest $"{errno}: no SocketException, but {failure}"

let private pure' =
    testList "the table" [
        test "has a row for every errno that has a name" {
            let named = Enum.GetValues<Errno>() |> List.ofArray
            Expect.equal (table |> List.map (fun (errno, _, _) -> errno)) named "in their order"
        }

        test "of an operation on files" {
            for errno, expected, _ in table do
                isFiles errno expected (faultOn false Opcode.Read errno)
                isFiles errno expected (faultOn true Opcode.Read errno)
        }

        test "of an operation on sockets, each of them" {
            for row in Catalogue.rows do
                if row.Realm = Realm.Sockets then
                    for errno, expected, ofSocket in table do
                        isSockets errno expected ofSocket (faultOn false row.Opcode errno)
        }

        test "of an operation on either: as its descriptor is" {
            for errno, expected, ofSocket in table do
                isFiles errno expected (faultOn false Opcode.InstallFixed errno)
                isSockets errno expected ofSocket (faultOn true Opcode.InstallFixed errno)
        }

        test "says what failed, on what, and why, in words and by name" {
            let failure = faultOn false Opcode.Write Errno.ENOSPC
            Expect.equal failure.Message "Write failed on 'x': No space left on device (ENOSPC)." "a sentence"
        }

        test "names the kernel that has the opcode" {
            let failure = faultOn false Opcode.SendMessageZeroCopy Errno.ENOSYS
            Expect.stringContains failure.Message "SendMessageZeroCopy: it needs Linux 6.1" "which"
        }
    ]

let private isSocketError code (failure: exn | null) =
    match failure with
    | :? SocketException as reason -> Expect.equal reason.SocketErrorCode code "its code"
    | failure -> failtest $"no SocketException, but {failure}"

let private datagrams host (family: AddressFamily) =
    runOn host (Socket.create family SocketType.Dgram ProtocolType.Unspecified)

let private onSockets =
    testList "a socket's operation ends with a SocketException" [
        testCase "sendTo that is too long" (fun () ->
            withLoop (fun host ->
                let socket = datagrams host AddressFamily.InterNetwork
                let long = ReadOnlyMemory(Array.zeroCreate<byte> 70_000)
                let target = IPEndPoint(IPAddress.Loopback, 9)

                isSocketError
                    SocketError.MessageSize
                    (failureOf (fun () -> runOn host (Socket.sendTo socket long target)))))

        testCaseTask "C#: SendToAsync that is too long, and to nobody" (fun () ->
            task {
                use! socket = Uring.UringSocket.BindAsync loopback
                let long = ReadOnlyMemory(Array.zeroCreate<byte> 70_000)

                let! failure =
                    Observe.raises<SocketException> "too long" (fun () ->
                        Observe.discard (socket.SendToAsync(long, socket.LocalEndPoint)))

                Expect.equal failure.SocketErrorCode SocketError.MessageSize "EMSGSIZE"

                use! unix = Uring.UringSocket.BindAsync(UnixDomainSocketEndPoint "\000uring-faults-one")

                let! failure =
                    Observe.raises<SocketException> "nobody" (fun () ->
                        Observe.discard (
                            unix.SendToAsync(
                                ReadOnlyMemory "x"B,
                                UnixDomainSocketEndPoint "\000uring-faults-two"
                            )
                        ))

                Expect.equal failure.SocketErrorCode SocketError.ConnectionRefused "ECONNREFUSED"
            })

        testCase "every error of the table of operations is in this one, and blames nobody" (fun () ->
            let known = table |> List.map (fun (errno, _, _) -> errno) |> Set.ofList

            for row in Catalogue.rows do
                for errno in row.Errors do
                    Expect.isTrue (known.Contains errno) $"{row.Name}: {errno}"

                    for isSocket in [ false; true ] do
                        match faultOn isSocket row.Opcode errno with
                        | :? SocketException -> ()
                        | :? IOException as reason -> Expect.equal reason.HResult (int errno) row.Name
                        | reason -> failtest $"{row.Name}: {errno} is {reason.GetType().Name}")

        test "what stops short says who, after how many bytes" {
            let isEnd (reason: exn) = reason :? EndOfStreamException
            let isError (reason: exn) = reason.GetType() = typeof<IOException>

            let cases: (Opcode * (string | null) * (exn -> bool) * string) list = [
                Opcode.Read, "x", isEnd, "'x' ended after 7 bytes"
                Opcode.ReadFixed, null, isEnd, "The file ended after 7 bytes"
                Opcode.ReadVector, "x", isEnd, "'x' ended after 7 bytes"
                Opcode.Receive, null, isEnd, "The peer finished after 7 bytes"
                Opcode.ReceiveMessage, null, isEnd, "The peer finished after 7 bytes"
                Opcode.Write, "x", isError, "'x' took 7 bytes, and none"
                Opcode.WriteVector, null, isError, "The file took 7 bytes, and none"
            ]

            for opcode, name, expected, words in cases do
                let reason = Fault.stopped opcode name 7L
                Expect.isTrue (expected reason) $"{opcode}: {reason}"
                Expect.stringStarts reason.Message words $"{opcode}"
        }

        testCase "install without a descriptor that is left, of a socket and not of a file" (fun () ->
            // The kernel is not asked: it would need all of the process's descriptors.
            let request (isSocket: bool) =
                let descriptor = FileDescriptor(LinuxKernel.Instance, 0, Unchecked.defaultof<_>, true)
                GC.SuppressFinalize descriptor
                descriptor.IsSocket <- isSocket
                faultOn descriptor.IsSocket (SocketRequest.install descriptor).Submission.Opcode Errno.EMFILE

            isSocketError SocketError.TooManyOpenSockets (request true)
            Expect.isTrue (request false :? IOException) "a file's")

        testCase "its descriptor knows that it is one" (fun () ->
            withLoop (fun host ->
                let socket = datagrams host AddressFamily.InterNetwork
                Expect.isTrue socket.Descriptor.IsSocket "F#"
                let file = runOn host (File.openRead "/dev/null")
                Expect.isFalse file.Descriptor.IsSocket "no file"
                runOn host (File.close file)
                runOn host (Socket.close socket)))
    ]

[<Tests>]
let tests = testSequenced <| testList "Fault" [ pure'; onSockets ]
