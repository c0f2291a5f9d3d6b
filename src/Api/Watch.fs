// Watching files and directories: inotify(7), read by way of the ring.
namespace Uring.FSharp

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// Watches files and directories. Each event is told once, to the one who waits. Dispose of it with `use!`.
[<Sealed>]
type Watcher private (loop: Loop, descriptor: FileDescriptor) =
    let watches = Watches(loop.Kernel, descriptor)
    let room = Array.zeroCreate<byte> 16_384
    let told = Queue<FileNews>()
    let mutable isReading = 0

    static member internal Create(loop: Loop) : Watcher =
        ObjectDisposedException.ThrowIf(loop.IsStopping, typeof<Loop>)
        let number = loop.Kernel.Notify()

        if number < 0 then
            let remedy =
                if Errno.ofResult number = Errno.EMFILE then
                    "This user has too many watchers: raise the sysctl fs.inotify.max_user_instances, or the process has too many descriptors: raise RLIMIT_NOFILE."
                else
                    ""

            raise (Fault.ofCall "inotify_init1" null number remedy)

        Watcher(loop, loop.Own number)

    member internal _.Watches = watches

    /// It was disposed of.
    member internal _.IsClosed = descriptor.IsClosed

    member private _.Hear(count: int) : ValueTask<List<FileNews>> =
        // Listing directories waits for the disk: not on the ring's thread.
        if watches.Walks then
            ValueTask<List<FileNews>>(Task.Run(fun () -> watches.Hear(room, count)))
        else
            ValueTask<List<FileNews>>(watches.Hear(room, count))

    /// Waits for the next event.
    member internal this.Next(token: CancellationToken) : Task<FileNews> =
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, this)

        if Interlocked.Exchange(&isReading, 1) <> 0 then
            raise (InvalidOperationException "Somebody waits for the next event already.")

        task {
            try
                token.ThrowIfCancellationRequested()

                while told.Count = 0 do
                    watches.ThrowIfFailed()
                    let mutable request = FileRequest.readNext descriptor (Memory room)
                    let! count = loop.Start(&request, token)
                    // What was read is told, whoever gives up now: it is not there a second time.
                    let! news = this.Hear count
                    news |> Seq.iter told.Enqueue

                return told.Dequeue()
            finally
                Volatile.Write(&isReading, 0)
        }

    /// Ends all watches. Who waits for an event is cancelled.
    member internal _.Close() : ValueTask<int> = watches.Close(fun () -> loop.CloseDescriptor descriptor)

    interface IAsyncDisposable with
        member this.DisposeAsync() =
            let closing = this.Close()

            if closing.IsCompletedSuccessfully then
                ValueTask.CompletedTask
            else
                ValueTask(closing.AsTask())

/// Watching files and directories. man inotify(7).
///
/// A recursive watch is one watch of the kernel for each directory. Directories that are made in it or moved into it are
/// watched too, and what was made in them before that is told as created; a directory that is moved within it is told of
/// under its new path from then on, one that is moved out no more. Symbolic links are not followed; a directory that may not
/// be read is left out. When more happens than the kernel keeps (fs.inotify.max_queued_events), or so fast that it cannot be
/// put in order, an `Overflow` is told: look for yourself then. Names that are not UTF-8 are told with replacement
/// characters, and directories with such names are not watched.
[<RequireQualifiedAccess>]
module Watch =

    let internal check (path: string) (interests: WatchEvents) =
        FileRequest.textBytes (nameof path) 0 path |> ignore

        if interests = WatchEvents.None || interests &&& ~~~WatchEvents.All <> WatchEvents.None then
            raise (ArgumentException("Ask for one or more of WatchEvents.All.", nameof interests))

    /// A watcher, which watches nothing yet.
    let create: Uring<Watcher> =
        Program.ofScope (fun scope -> ValueTask<Watcher>(Watcher.Create scope.Loop))

    let private start recursive (watcher: Watcher) path interests : Uring<int> =
        check path interests

        Program.ofScope (fun _ ->
            if recursive then
                ValueTask<int>(Task.Run(fun () -> watcher.Watches.Add(path, interests, true)))
            else
                ValueTask<int>(watcher.Watches.Add(path, interests, false)))

    /// Watches a file, or a directory and what lies in it. The result is its number, which events have as their `Root`. What
    /// a watcher watches already is refused (EEXIST, 17). A watch stays with the file when its path is given to another.
    let add (watcher: Watcher) (path: string) (interests: WatchEvents) : Uring<int> =
        start false watcher path interests

    /// Watches a directory with all directories below it.
    let addTree (watcher: Watcher) (path: string) (interests: WatchEvents) : Uring<int> =
        start true watcher path interests

    /// Ends a watch. False when there was none with this number.
    let remove (watcher: Watcher) (watch: int) : Uring<bool> =
        Program.ofScope (fun _ -> ValueTask<bool>(watcher.Watches.Remove watch))

    /// All events, one after another: `for event in events do` in `uring { }`. It has no end of its own: break it off, cancel
    /// the program, or dispose of the watcher (ObjectDisposedException).
    let all (watcher: Watcher) : Uring<UringStream<FileNews>> =
        UringStream.again (fun _ token -> watcher.Next token)

    /// Waits for the next event. For one at a time.
    let next (watcher: Watcher) : Uring<FileNews> =
        Program.ofScope (fun scope -> ValueTask<FileNews>(watcher.Next scope.Token))
