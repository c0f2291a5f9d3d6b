// One inotify and the table of its watches: does what Model/WatchTable says. Its calls wait for the disk, so they are made
// by a thread of the pool where directories are to be listed. Any thread may call; one at a time gets in.
namespace Uring.Driver

open System
open System.Collections.Generic
open System.IO
open System.IO.Enumeration
open System.Text
open System.Threading
open Uring.Kernel
open Uring.Model

/// How a path is added.
[<Flags>]
type private AddFlags =
    | OnlyDirectory = 0x0100_0000u
    | DoNotFollow = 0x0200_0000u
    /// EEXIST when the watcher has it already (Linux 4.19).
    | IsNew = 0x1000_0000u
    /// Keeps what was asked for before.
    | Extend = 0x2000_0000u

[<Sealed>]
type internal Watches(kernel: IKernel, descriptor: FileDescriptor) =
    let gate = obj ()
    let mutable table = WatchTable.empty
    let mutable roots = 0
    let mutable isClosing = false
    let mutable failure: exn | null = null

    static let symbolicLink = FileAttributes.ReparsePoint

    let fault (call: string) (path: string | null) (result: int) =
        let remedy =
            match Errno.ofResult result with
            | Errno.ENOSPC -> "This user has no watches left: raise the sysctl fs.inotify.max_user_watches."
            | Errno.EEXIST -> "This watcher watches it already: use another one to watch it in another way."
            | _ -> ""

        Fault.ofCall call path result remedy

    let add (path: string) (mask: uint32) =
        let bytes = Array.zeroCreate<byte>(Encoding.UTF8.GetByteCount path + 1)
        Encoding.UTF8.GetBytes(path, bytes.AsSpan()) |> ignore
        kernel.Watch(descriptor.Number, ReadOnlySpan bytes, mask)

    /// What is in a directory; nothing of one that is gone, or may not be read.
    let list (path: string) : struct (string * bool) list voption =
        let transform =
            FileSystemEnumerable<struct (string * bool)>.FindTransform(fun entry ->
                let isLink = entry.Attributes &&& symbolicLink = symbolicLink
                struct (entry.FileName.ToString(), entry.IsDirectory && not isLink))

        let options =
            EnumerationOptions(AttributesToSkip = enum<FileAttributes> 0, IgnoreInaccessible = false)

        try
            ValueSome(List.ofSeq (FileSystemEnumerable(path, transform, options)))
        with
        | :? IOException
        | :? UnauthorizedAccessException -> ValueNone

    /// The kernel is asked again after the listing: the path has to name the same directory still.
    let walk root path tells : WatchVerdict list =
        let asked = table.Roots[root]
        let follow = if path = asked.Path then AddFlags.Extend else AddFlags.Extend ||| AddFlags.DoNotFollow
        let mask = uint32 (WatchTable.mask asked) ||| uint32 (follow ||| AddFlags.OnlyDirectory)
        let watch = add path mask

        if watch < 0 then
            match Errno.ofResult watch with
            | Errno.ENOSPC
            | Errno.ENOMEM ->
                failure <- fault "inotify_add_watch" path watch
                []
            // It is gone, or may not be read, or is no directory any more.
            | _ -> []
        else
            let found = list path
            let now = add path mask

            match found with
            | ValueSome found when now = watch ->
                let struct (next, verdicts) = WatchTable.walked root path tells watch found table
                table <- next
                verdicts
            | _ ->
                for number in List.distinct [ watch; now ] do
                    if number >= 0 then table <- WatchTable.missed root path number table

                []

    let rec perform (news: List<FileNews>) verdicts =
        match verdicts with
        | [] -> ()
        | verdict :: others ->
            match verdict with
            | WatchVerdict.Tell told ->
                news.Add told
                perform news others
            | WatchVerdict.Forget watch ->
                // It may have ended by itself.
                if not (Volatile.Read &isClosing) then kernel.Unwatch(descriptor.Number, watch) |> ignore
                perform news others
            | WatchVerdict.Walk(root, path, tells) ->
                let more =
                    if Volatile.Read &isClosing || not (table.Roots.ContainsKey root) then
                        []
                    else
                        walk root path tells

                perform news (more @ others)

    let apply news struct (next, verdicts) =
        table <- next
        perform news verdicts

    let throwIfClosed () = ObjectDisposedException.ThrowIf(descriptor.IsClosed, typeof<Watches>)

    let takeFailure () =
        match failure with
        | null -> ()
        | reason ->
            failure <- null
            raise reason

    /// Directories are listed: nothing for a ring's thread.
    member _.Walks = table.Roots |> Map.exists (fun _ root -> root.IsRecursive)

    /// Watches a path from now on. The result is the number of the watch for its user.
    member _.Add(path: string, interests: WatchEvents, isRecursive: bool) : int =
        lock gate (fun () ->
            throwIfClosed ()
            let asked = { Path = path; Interests = interests; IsRecursive = isRecursive }
            let watch = add path (uint32 (WatchTable.mask asked) ||| uint32 AddFlags.IsNew)

            if watch < 0 then raise (fault "inotify_add_watch" path watch)

            roots <- roots + 1
            table <- WatchTable.ask roots asked table |> WatchTable.started roots watch

            if isRecursive then
                perform (List()) [ WatchVerdict.Walk(roots, path, false) ]

                if not (isNull failure) then
                    apply (List()) (WatchTable.remove roots table)
                    takeFailure ()

            roots)

    /// Ends a watch. False when there is none.
    member _.Remove(root: int) : bool =
        lock gate (fun () ->
            throwIfClosed ()
            let isThere = table.Roots.ContainsKey root
            apply (List()) (WatchTable.remove root table)
            isThere)

    /// What the bytes of one read say.
    member _.Hear(room: byte array, count: int) : List<FileNews> =
        lock gate (fun () ->
            let news = List()

            for said in Notification.read (ReadOnlySpan(room, 0, count)) do
                apply news (WatchTable.notify said table)

            apply news (WatchTable.settled (count + Notification.LongestSize <= room.Length) table)
            news)

    /// Raises what went wrong while nobody waited, once.
    member _.ThrowIfFailed() = lock gate takeFailure

    /// No call of this is under way once `close` is called.
    member _.Close(close: unit -> 'T) : 'T =
        Volatile.Write(&isClosing, true)
        lock gate close
