// The descriptor table of a simulated process: the lowest free number, at once after it was closed, as POSIX says.
namespace Uring.Simulation.Kernel

open System.Collections.Generic
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

[<Sealed>]
type internal Descriptors(limit: int, ledger: Ledger) =
    // 0, 1 and 2 are a process's own: nothing opens there.
    let first = 3
    let files = List<OpenFile | null>()
    let everOpened = HashSet<int>()
    let leaving = Queue<OpenFile>()

    let index number = number - first

    /// The file of a descriptor, or null.
    member _.Find(number: int) : OpenFile | null =
        if number >= first && index number < files.Count then files[index number] else null

    /// Takes over one reference. The number, or -EMFILE (then the reference has gone).
    member _.Add(file: OpenFile) : int =
        let free = files.IndexOf null

        if free < 0 && files.Count + first >= limit then
            file.Release()
            Errno.toResult Errno.EMFILE
        else
            let place = if free < 0 then files.Count else free
            if free < 0 then files.Add file else files[place] <- file
            everOpened.Add(place + first) |> ignore
            place + first

    /// Files whose last reference goes when the system call returns to the program.
    member _.Flush() =
        while leaving.Count > 0 do
            leaving.Dequeue().Release()

    /// close(2), as a system call or as part of one: then the file is let go of when that returns.
    member this.Close(number: int, isLate: bool) : int =
        match this.Find number with
        | null ->
            if everOpened.Contains number then
                ledger.Broken(Rule.ClosedOnce, $"descriptor {number} was closed, and it is not open")

            Errno.toResult Errno.EBADF
        | file ->
            files[index number] <- null
            if isLate then leaving.Enqueue file else file.Release()
            0

    /// Those that are open, with their names.
    member _.Open: (int * string) list = [
        for place in 0 .. files.Count - 1 do
            match files[place] with
            | null -> ()
            | file -> place + first, file.Name
    ]
