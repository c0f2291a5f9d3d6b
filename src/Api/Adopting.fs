// Descriptors from elsewhere: whether one is of the kind that is asked for, and whose it is from then on. Nothing of it reaches the
// ring. What is taken over is a duplicate, so that nobody who still has the handle can close a number that is in use here.
namespace Uring.FSharp

open System
open System.Net.Sockets
open System.Runtime.InteropServices
open Uring.Driver
open Uring.Model

/// What a handle from elsewhere must be, and what it becomes.
[<RequireQualifiedAccess>]
module internal Adopting =

    // O_ACCMODE, O_PATH.
    let private accessMask = 3
    let private pathOnly = 0o10000000
    // S_IFMT, S_IFSOCK, S_IFDIR.
    let private kindMask = 0o170000
    let private socketKind = 0o140000
    let private directoryKind = 0o040000

    let private handle = "handle"

    let private refuse (message: string) : 'T = raise (ArgumentException(message, handle))

    let private answered (result: int) =
        if Errno.isError result then refuse "The handle is not an open descriptor." else result

    /// What a file must be. The result is its access mode: 0 reads, 1 writes, 2 does both.
    let private asFile (loop: Loop) (number: int) : int =
        let flags = answered (loop.Kernel.OpenedAs number)

        match answered (loop.Kernel.ModeOf number) &&& kindMask with
        | _ when (flags &&& pathOnly) <> 0 ->
            refuse "The handle only names a file (O_PATH): open it to read or write."
        | kind when kind = socketKind ->
            refuse "The handle is a socket: wrap it as a socket (UringSocket, Socket.ofHandle)."
        | kind when kind = directoryKind -> refuse "The handle is a directory, which has no bytes to read."
        // An open set: regular files, pipes, devices, and what has no kind, such as an event.
        | _ -> flags &&& accessMask

    /// What a socket must be. The result is its family.
    let private asSocket (loop: Loop) (number: int) : AddressFamily =
        answered (loop.Kernel.OpenedAs number) |> ignore
        let option = SocketOption.addressFamily
        let value = Array.zeroCreate<byte> option.Size
        let result = loop.Kernel.GetSocketOption(number, option.Level, option.Name, Span value)

        if Errno.isError result then
            refuse "The handle is not a socket: wrap it as a file (UringFile, File.ofHandle)."
        else
            option.Decode(ReadOnlySpan value)

    let private listens (loop: Loop) (number: int) : bool =
        let option = SocketOption.isListening
        let value = Array.zeroCreate<byte> option.Size
        let result = loop.Kernel.GetSocketOption(number, option.Level, option.Name, Span value)
        not (Errno.isError result) && option.Decode(ReadOnlySpan value)

    /// What a socket must be that does not take connections.
    let private asConnection (loop: Loop) (number: int) : AddressFamily =
        let family = asSocket loop number

        if listens loop number then
            refuse "The socket listens: wrap it as a listener (UringListener)."
        else
            family

    /// What a socket must be that takes connections.
    let private asListener (loop: Loop) (number: int) : AddressFamily =
        let family = asSocket loop number

        if listens loop number then
            family
        else
            refuse "The socket does not listen: wrap it as a socket, and let it listen."

    /// Another descriptor for the same open file, closed on exec.
    let duplicate (descriptor: FileDescriptor) : int =
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, typeof<FileDescriptor>)

        if descriptor.IsDirect then
            raise (
                NotSupportedException
                    "A direct descriptor has no number in the process that could be duplicated: install it first."
            )

        let result = descriptor.Kernel.Duplicate descriptor.Number
        // Until here it must not be collected, which would close its number.
        GC.KeepAlive descriptor

        if Errno.isError result then
            raise (Fault.ofCall "fcntl" descriptor.Name result "")
        else
            result

    /// The BCL closes a socket that is somebody's no more by a reset: that would be told to the socket itself, which lives on.
    let private disposeOf (socketOrFile: SafeHandle) (own: FileDescriptor) =
        match socketOrFile with
        | :? SafeSocketHandle as socket ->
            let linger = SocketOptions.read SocketOption.linger own
            socket.Dispose()
            SocketOptions.write SocketOption.linger linger own
        | file -> file.Dispose()

    /// Makes a descriptor of ours for what the handle refers to, if that is what `check` says that it must be. With `ownsHandle`
    /// the handle is disposed of; when this raises, nothing has happened to it.
    let private adopt
        (loop: Loop)
        (ownsHandle: bool)
        (given: SafeHandle)
        (check: Loop -> int -> 'T)
        : struct (FileDescriptor * 'T) =
        ArgumentNullException.ThrowIfNull(given, handle)
        ObjectDisposedException.ThrowIf(loop.IsStopping, typeof<Loop>)
        // Raises when it was disposed of.
        let number = Poll.hold given

        let struct (own, found) =
            try
                let found = check loop number
                let result = loop.Kernel.Duplicate number
                if Errno.isError result then raise (Fault.ofCall "fcntl" null result "")
                struct (loop.Own result, found)
            finally
                given.DangerousRelease()

        own.Name <- String.Concat("descriptor ", number.ToString())
        if ownsHandle then disposeOf given own
        struct (own, found)

    /// A file, and its access mode.
    let file (loop: Loop) ownsHandle given = adopt loop ownsHandle given asFile

    /// A socket, and its family.
    let socket (loop: Loop) ownsHandle given = adopt loop ownsHandle given asSocket

    /// A socket that does not listen, and its family.
    let connection (loop: Loop) ownsHandle given = adopt loop ownsHandle given asConnection

    /// A socket that listens, and its family.
    let listener (loop: Loop) ownsHandle given = adopt loop ownsHandle given asListener
