// A multishot operation as something to iterate over in `uring { }`.
namespace Uring.FSharp

open System
open System.Threading.Tasks
open Uring.Driver

/// Results that come one after another from one submission. For one consumer. Disposing of it ends the operation,
/// waits for its end, and gives back what nobody took.
[<Sealed>]
type UringStream<'T> internal (stream: Stream, take: StreamItem -> 'T) =
    let mutable isOver = false
    let mutable current = Unchecked.defaultof<'T>

    /// The stream has ended.
    member _.IsOver = isOver

    /// What the last successful wait found.
    member _.Current = current

    member internal _.Stream = stream

    member internal _.Wait() =
        // Dropped by its consumer, it can be collected while this waits.
        current <- Unchecked.defaultof<'T>
        stream.MoveNext()

    member internal _.Found(more: bool) =
        isOver <- not more

        if more then current <- take (stream.Take())

        more

    interface IAsyncDisposable with

        member _.DisposeAsync() =
            isOver <- true
            stream.Abandon()

/// Taking a stream step by step, where `for` does not fit.
[<RequireQualifiedAccess>]
module UringStream =

    /// Waits for the next item, then `Current` is it; false at the end.
    let next (stream: UringStream<'T>) : Uring<bool> =
        Program.ofScope (fun _ ->
            let pending = stream.Wait()

            if pending.IsCompletedSuccessfully then
                ValueTask<bool>(stream.Found pending.Result)
            else
                ValueTask<bool>(
                    task {
                        let! more = pending
                        return stream.Found more
                    }
                ))
