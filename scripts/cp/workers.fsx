// Many things at a time on one thread: workers, which are `uring { }` programs, take items from one queue. A program
// gives way to others only at `let!` and `do!`, so what they share is ordinary mutable data, without a lock.

#load "../shared.fsx"

open System
open System.IO
open Uring.FSharp
open Uring.Model

/// Does `work` on every item, at most `workers` at a time. A program may be started many times: all workers are one.
let each (workers: int) (items: 'T seq) (work: 'T -> Uring<unit>) : Uring<unit> =
    uring {
        use queue = items.GetEnumerator()

        let worker =
            uring {
                while queue.MoveNext() do
                    do! work queue.Current
            }

        let! _ = Uring.``parallel`` (Seq.replicate workers worker)
        return ()
    }

/// About to fail for everybody.
let isFull (reason: exn) = reason.HResult = int Errno.ENOSPC || reason.HResult = int Errno.EDQUOT

/// Reports what fails for this path alone, so that the worker goes on with the next. A full disk ends the worker and
/// with it all others: `Uring.parallel` cancels them and waits for their end.
let attempt (path: string) (program: Uring<unit>) : Uring<unit> =
    uring {
        try
            do! program
        with
        | reason when isFull reason -> raise (IOException($"{path}: {reason.Message}", reason.HResult))
        | reason when not (reason :? OperationCanceledException) ->
            Shared.complain $"{path}: {reason.Message}"
    }
