// Operations with other credentials, for F# programs.
namespace Uring.FSharp

open System
open System.Net
open Uring.Driver
open Uring.Model

/// Credentials that the program's ring remembers. A process that gives up rights can keep a ring that opens files as the
/// user it was, or the other way round. Here is all whose permission is asked for by name, called as in `File` and `Socket`;
/// `perform` does any request. What is open asks no more whose it is, and what is done with it is done as always.
[<RequireQualifiedAccess>]
module Personality =

    /// Remembers the credentials that the ring's thread has now (Linux 5.6). Forget them with `use!`.
    let register: Uring<Personality> = Program.ofScope (fun scope -> Personality.Register scope.Loop)

    /// One operation with these credentials. Errors are exceptions. An ArgumentException on another ring: the number that
    /// stands for them would be somebody else's there.
    let perform (personality: Personality) (request: Request) : Uring<int> =
        Program.ofScope (fun scope ->
            if not (obj.ReferenceEquals(scope.Loop, personality.Loop)) then
                raise (
                    ArgumentException(
                        "These credentials are remembered by another ring.",
                        nameof personality
                    )
                )

            let signed = personality.Sign request
            scope.Loop.StartIn(scope.Group, &signed, false))

    let private change (personality: Personality) (request: Request) : Uring<unit> =
        Uring.discard (perform personality request)

    /// Opens a path with these credentials; from then on the file asks no more whose it is. What this creates is theirs.
    let openWith
        (personality: Personality)
        (flags: OpenFlags)
        (mode: IO.UnixFileMode)
        (path: string)
        : Uring<File> =
        uring {
            let! number = perform personality (FileRequest.openPath path flags mode)
            let! loop = Uring.loop
            return File(loop, loop.Own number, path)
        }

    /// The same into a free slot of the ring's own table (`LoopOptions.DirectDescriptors`, Linux 5.19).
    let openDirect
        (personality: Personality)
        (flags: OpenFlags)
        (mode: IO.UnixFileMode)
        (path: string)
        : Uring<File> =
        uring {
            let! slot = perform personality (FileRequest.openPathDirect path flags mode)
            let! loop = Uring.loop
            return File(loop, loop.OwnDirect slot, path)
        }

    /// Opens a directory with these credentials.
    let openDirectory (personality: Personality) (path: string) : Uring<File> =
        openWith personality (OpenFlags.Read ||| OpenFlags.Directory) IO.UnixFileMode.None path

    /// Makes a file without a name in a directory, which is theirs: it goes when it is closed.
    let openTemporary (personality: Personality) (directory: string) : Uring<File> =
        openWith personality (OpenFlags.ReadWrite ||| OpenFlags.Temporary) File.readWriteByOwner directory

    /// What a path names, after symbolic links, as far as they may look.
    let statusOfPath (personality: Personality) (path: string) : Uring<FileStatus> =
        File.statusBy (perform personality) (FileRequest.status path true)

    /// What a path names, itself a symbolic link or not.
    let statusOfLink (personality: Personality) (path: string) : Uring<FileStatus> =
        File.statusBy (perform personality) (FileRequest.status path false)

    /// Some of what a path names; `follow` symbolic links. man statx(2).
    let statusOfPathAs
        (personality: Personality)
        (fields: StatusFields)
        (sync: StatusSync)
        (follow: bool)
        (path: string)
        : Uring<FileStatus> =
        File.statusBy (perform personality) (FileRequest.statusAs fields sync path follow)

    /// The value of an extended attribute of what a path names, after symbolic links (Linux 5.19).
    let attributeOfPath (personality: Personality) (path: string) (name: string) : Uring<byte array> =
        File.valueBy (perform personality) (FileRequest.attributeOfPath path name)

    /// As `setAttributeOfPath`; the change says whether it may be there already.
    let setAttributeOfPathAs
        (personality: Personality)
        (how: AttributeChange)
        (path: string)
        (name: string)
        (value: ReadOnlyMemory<byte>)
        : Uring<unit> =
        change personality (FileRequest.setAttributeOfPath path name value how)

    /// Sets an extended attribute of what a path names, after symbolic links (Linux 5.19).
    let setAttributeOfPath
        (personality: Personality)
        (path: string)
        (name: string)
        (value: ReadOnlyMemory<byte>)
        : Uring<unit> =
        setAttributeOfPathAs personality AttributeChange.CreateOrReplace path name value

    /// Makes a directory with these permissions, less the process's umask, which is theirs (Linux 5.15).
    let makeDirectoryWith (personality: Personality) (mode: IO.UnixFileMode) (path: string) : Uring<unit> =
        change personality (FileRequest.makeDirectory path mode)

    /// Makes a directory, which is theirs (Linux 5.15).
    let makeDirectory (personality: Personality) (path: string) : Uring<unit> =
        makeDirectoryWith personality (enum<IO.UnixFileMode> 0o777) path

    /// Removes a file.
    let delete (personality: Personality) (path: string) : Uring<unit> =
        change personality (FileRequest.unlink path)

    /// Removes an empty directory.
    let removeDirectory (personality: Personality) (path: string) : Uring<unit> =
        change personality (FileRequest.removeDirectory path)

    /// Makes a symbolic link at `path` that leads to `pathToTarget` (Linux 5.15).
    let makeSymbolicLink (personality: Personality) (path: string) (pathToTarget: string) : Uring<unit> =
        change personality (FileRequest.makeSymbolicLink path pathToTarget)

    /// Gives the file that `pathToTarget` names another name, `path` (Linux 5.15).
    let makeHardLink (personality: Personality) (path: string) (pathToTarget: string) : Uring<unit> =
        change personality (FileRequest.makeHardLink path pathToTarget)

    /// Renames; the rules say what becomes of what `destination` named before. man renameat2(2).
    let renameAs
        (personality: Personality)
        (rules: RenameRules)
        (source: string)
        (destination: string)
        : Uring<unit> =
        change personality (FileRequest.renameAs rules source destination)

    /// Renames; what `destination` named before is replaced.
    let rename (personality: Personality) (source: string) (destination: string) : Uring<unit> =
        change personality (FileRequest.rename source destination)

    /// Makes a socket: for a raw one they need CAP_NET_RAW.
    let createSocket
        (personality: Personality)
        (family: Sockets.AddressFamily)
        (kind: Sockets.SocketType)
        (protocol: Sockets.ProtocolType)
        : Uring<Socket> =
        uring {
            let! number = perform personality (SocketRequest.socket family kind protocol)
            let! loop = Uring.loop
            return Socket(loop, loop.Own number, family)
        }

    /// Binds to an address: the name of a Unix socket is theirs then (Linux 6.11; a system call would know no credentials).
    let bind (personality: Personality) (socket: Socket) (endPoint: EndPoint) : Uring<unit> =
        change personality (SocketRequest.bind socket.Descriptor endPoint)

    /// Starts listening; who connects to a Unix socket learns of them (Linux 6.11).
    let listenOn (personality: Personality) (socket: Socket) (backlog: int) : Uring<unit> =
        change personality (SocketRequest.listen socket.Descriptor backlog)

    /// Connects to an address: to the name of a Unix socket they have to be allowed to write.
    let connectTo (personality: Personality) (socket: Socket) (endPoint: EndPoint) : Uring<unit> =
        change personality (SocketRequest.connect socket.Descriptor endPoint)

    let private stream (personality: Personality) (family: Sockets.AddressFamily) : Uring<Socket> =
        createSocket personality family Sockets.SocketType.Stream (Socket.protocolFor family)

    /// A stream socket that is connected to an address.
    let connect (personality: Personality) (endPoint: EndPoint) : Uring<Socket> =
        Socket.making (stream personality endPoint.AddressFamily) (fun socket ->
            connectTo personality socket endPoint)

    /// A stream socket that listens on an address, with SO_REUSEADDR (Linux 6.11).
    let listen (personality: Personality) (endPoint: EndPoint) (backlog: int) : Uring<Socket> =
        Socket.making (stream personality endPoint.AddressFamily) (fun socket ->
            uring {
                if endPoint.AddressFamily <> Sockets.AddressFamily.Unix then
                    SocketOptions.setReuseAddress socket.Descriptor true

                do! bind personality socket endPoint
                do! listenOn personality socket backlog
            })
