// Files that are no files: what every machine has in /dev, and /proc/self/mem. Source: man null(4), full(4), proc(5).
namespace Uring.Simulation.World

open Uring.Model

/// What it does.
[<RequireQualifiedAccess>]
type internal DeviceKind =
    /// /dev/null: empty, and takes everything.
    | Null
    /// /dev/zero: zeros without end, and takes everything.
    | Zero
    /// /dev/full: zeros without end, and never has room.
    | Full
    /// /proc/self/mem: nothing is mapped where anybody would look.
    | Memory

[<Sealed>]
type internal DeviceFile(path: string, kind: DeviceKind) =
    inherit OpenFile()
    member _.Kind = kind
    override _.Name = path
    override _.Events = PollEvents.Readable ||| PollEvents.Writable
    override _.CanPoll = false

    override _.Read(target, _) =
        match kind with
        | DeviceKind.Null -> 0
        | DeviceKind.Memory -> Errno.toResult Errno.EIO
        | DeviceKind.Zero
        | DeviceKind.Full ->
            target.Clear()
            target.Length

    override _.Write(source, _) =
        match kind with
        | DeviceKind.Null
        | DeviceKind.Zero -> source.Length
        | DeviceKind.Full -> Errno.toResult Errno.ENOSPC
        | DeviceKind.Memory -> Errno.toResult Errno.EIO

[<RequireQualifiedAccess>]
module internal Device =

    /// What lies at a path.
    let tryFind (path: string) : DeviceKind option =
        match path with
        | "/dev/null" -> Some DeviceKind.Null
        | "/dev/zero" -> Some DeviceKind.Zero
        | "/dev/full" -> Some DeviceKind.Full
        | "/proc/self/mem" -> Some DeviceKind.Memory
        | _ -> None
