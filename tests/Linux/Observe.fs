/// What the facade's tests look at: exceptions, descriptors, allocations, and folders that go away again.
module Uring.Tests.Linux.Observe

open System
open System.Diagnostics
open System.IO
open System.IO.Pipes
open System.Threading.Tasks
open Expecto
open Uring

/// The exception that this raises, at once or when awaited.
let failureOf (start: unit -> ValueTask) : Task<exn | null> =
    task {
        try
            do! start ()
            return null
        with reason ->
            return reason
    }

/// It has to end with exactly this exception, which is returned.
let raises<'Failure when 'Failure :> exn> (what: string) (start: unit -> ValueTask) : Task<'Failure> =
    task {
        let! failure = failureOf start

        match failure with
        | null -> return failtest $"{what}: no {typeof<'Failure>.Name}"
        | :? 'Failure as expected when expected.GetType() = typeof<'Failure> -> return expected
        | other -> return failtest $"{what}: expected {typeof<'Failure>.Name}, but: {other}"
    }

/// `OperationCanceledException` or one of its kind.
let isCancelled (what: string) (start: unit -> ValueTask) : Task<unit> =
    task {
        match! failureOf start with
        | :? OperationCanceledException -> ()
        | other -> failtest $"{what}: expected a cancellation, but: {other}"
    }

let discard (operation: ValueTask<'T>) : ValueTask =
    ValueTask(
        task {
            let! _ = operation
            return ()
        }
    )

/// What each open descriptor is. The one that reads the list is gone by the time that its link is read.
let private descriptors () =
    Directory.GetFileSystemEntries "/proc/self/fd"
    |> Array.choose (fun link -> FileInfo(link).LinkTarget |> Option.ofObj)

/// Runs `body`, and waits until there are no more descriptors than before. A close that nobody awaits takes a moment.
/// Assemblies and epoll do not count: the runtime opens them when it likes, and keeps them.
let leavesNothingOpen (body: unit -> Task<unit>) : Task<unit> =
    let ours () =
        descriptors ()
        |> Array.filter (fun target -> not (target.EndsWith ".dll" || target.EndsWith "[eventpoll]"))

    task {
        do! Ring.Default.NopAsync()
        let before = ours ()
        do! body ()
        let clock = Stopwatch.StartNew()

        while (ours ()).Length > before.Length && clock.Elapsed < TimeSpan.FromSeconds 5.0 do
            do! Task.Delay 5

        let after = ours ()

        if after.Length > before.Length then
            failtest $"Left open: {Array.except before after |> List.ofArray}; before: {List.ofArray before}"
    }

/// How often a handle that is not ours to count is held: 1 when it is open and nobody holds it, 0 when it is closed.
let references (handle: Runtime.InteropServices.SafeHandle) : int =
    let state =
        typeof<Runtime.InteropServices.SafeHandle>
            .GetField("_state", Reflection.BindingFlags.NonPublic ||| Reflection.BindingFlags.Instance)
    // The two lowest bits say whether it was disposed of, and closed.
    (nonNull state).GetValue handle |> nonNull |> unbox<int> >>> 2

/// Waits until something that no event announces has come about.
let eventually (what: string) (holds: unit -> bool) : Task<unit> =
    task {
        let clock = Stopwatch.StartNew()

        while not (holds ()) do
            if clock.Elapsed > TimeSpan.FromSeconds 10.0 then
                failtest $"{what}: not within 10 seconds"

            do! Task.Delay 1
    }

/// A fresh folder, deleted in the end.
let inFolder (body: string -> Task<unit>) : Task<unit> =
    task {
        let folder = Directory.CreateTempSubdirectory("uring-").FullName

        try
            do! body folder
        finally
            Directory.Delete(folder, true)
    }

/// A test with a folder of its own that has to leave no descriptor behind.
let inFolderCase name (body: string -> Task<unit>) =
    testCaseTask name (fun () -> leavesNothingOpen (fun () -> inFolder body))

/// A test that has to leave no descriptor behind.
let tidyCase name (body: unit -> Task<unit>) = testCaseTask name (fun () -> leavesNothingOpen body)

/// The end to read from of a pipe that nobody writes to, opened by name as any other file.
let openPipe (ring: Ring) (pipe: AnonymousPipeServerStream) =
    task {
        let path = $"/proc/self/fd/{pipe.ClientSafePipeHandle.DangerousGetHandle()}"
        let! file = UringFile.OpenAsync(path, ring = ring)
        pipe.DisposeLocalCopyOfClientHandle()
        return file
    }
