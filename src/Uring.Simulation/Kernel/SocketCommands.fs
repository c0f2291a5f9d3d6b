// What a socket answers when it is asked by itself: by URING_CMD, and by getsockopt(2) and setsockopt(2). Options are
// remembered, and not understood. Source: man io_uring_prep_cmd_sock(3), reference section 1.1.
namespace Uring.Simulation.Kernel

open System
open Uring.Kernel
open Uring.Model
open Uring.Simulation.World

[<RequireQualifiedAccess>]
module internal SocketCommands =

    let private socketLevel = 1

    /// getsockopt(2).
    let get (level: int) (name: int) (socket: SocketFile) : byte array =
        match socket.Options.TryGetValue(struct (level, name)) with
        | true, bytes -> bytes
        // SO_TYPE, SO_DOMAIN, SO_ACCEPTCONN and SO_PROTOCOL of SOL_SOCKET.
        | _ when level = socketLevel && name = 3 -> BitConverter.GetBytes socket.Kind
        | _ when level = socketLevel && name = 39 -> BitConverter.GetBytes socket.Family
        | _ when level = socketLevel && name = 30 ->
            BitConverter.GetBytes(if socket.IsListening then 1 else 0)
        | _ when level = socketLevel && name = 38 ->
            let protocol =
                if socket.Family = 1 then 0
                elif socket.Kind = 2 then 17
                else 6

            BitConverter.GetBytes protocol
        | _ -> BitConverter.GetBytes 0

    // SO_DEBUG, SO_REUSEADDR, SO_BROADCAST, SO_KEEPALIVE, SO_OOBINLINE: on or off.
    let private switches = set [ 1; 2; 6; 9; 10 ]

    /// setsockopt(2).
    let set (level: int) (name: int) (bytes: byte array) (socket: SocketFile) : int =
        if level = socketLevel && bytes.Length < 4 then
            Errno.toResult Errno.EINVAL
        else
            socket.Options[struct (level, name)] <-
                if level = socketLevel && Set.contains name switches then
                    BitConverter.GetBytes(if BitConverter.ToInt32(bytes, 0) = 0 then 0 else 1)
                else
                    bytes

            0

    /// URING_CMD.
    let perform (submission: Submission) (socket: SocketFile) : int =
        let level = int (uint32 submission.Address)
        let name = int (uint32 (submission.Address >>> 32))
        let value = nativeint submission.Address3
        let room = int submission.FileIndex

        match uint32 submission.Offset with
        | OpFlags.BytesAvailable -> socket.Queued false
        | OpFlags.BytesUnsent -> socket.Queued true
        | OpFlags.GetOption when level = socketLevel ->
            let bytes = get level name socket
            let length = min bytes.Length room
            bytes.AsSpan(0, length).CopyTo(Mapped.span value length)
            length
        | OpFlags.SetOption -> set level name ((Mapped.span value room).ToArray()) socket
        // An open set: what Linux (6.18) does not know of either.
        | _ -> Errno.toResult Errno.EOPNOTSUPP
