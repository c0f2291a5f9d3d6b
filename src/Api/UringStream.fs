// Results that come one after another as something to iterate over in `uring { }`: of a multishot operation, or of anything
// else that is waited for again and again.
namespace Uring.FSharp

open System
open System.Threading
open System.Threading.Tasks
open Uring.Driver

/// Where the items of a stream come from.
[<NoEquality; NoComparison>]
type internal StreamOrigin<'T> = {
    /// Waits for the next item; false at the end.
    Next: unit -> ValueTask<bool>
    /// The item that was waited for: once.
    Take: unit -> 'T
    /// Nobody takes anything any more.
    Leave: unit -> ValueTask
}

/// Results that come one after another from one submission. For one consumer. Disposing of it ends the operation,
/// waits for its end, and gives back what nobody took.
[<Sealed>]
type UringStream<'T> internal (origin: StreamOrigin<'T>, stream: Stream | null) =
    let mutable isOver = false
    let mutable current = Unchecked.defaultof<'T>

    internal new(stream: Stream, take: StreamItem -> 'T) =
        UringStream(
            {
                Next = stream.MoveNext
                Take = fun () -> take (stream.Take())
                Leave = stream.Abandon
            },
            stream
        )

    /// The stream has ended.
    member _.IsOver = isOver

    /// What the last successful wait found.
    member _.Current = current

    /// The operation, if there is one for all items.
    member internal _.Stream = stream

    member internal _.Wait() =
        // Dropped by its consumer, it can be collected while this waits.
        current <- Unchecked.defaultof<'T>
        origin.Next()

    member internal _.Found(more: bool) =
        isOver <- not more

        if more then current <- origin.Take()

        more

    interface IAsyncDisposable with

        member _.DisposeAsync() =
            isOver <- true
            origin.Leave()

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

    let private repeating (wait: unit -> Task<'T>) : UringStream<'T> =
        let mutable found = Unchecked.defaultof<'T>

        let next () =
            ValueTask<bool>(
                task {
                    let! item = wait ()
                    found <- item
                    return true
                }
            )

        UringStream(
            { Next = next; Take = (fun () -> found); Leave = fun () -> ValueTask.CompletedTask },
            null
        )

    /// Waits again and again in the same way, on the program's loop and until it is cancelled, without an end of its own.
    /// Leaving it changes nothing at the source.
    let internal again (wait: Loop -> CancellationToken -> Task<'T>) : Uring<UringStream<'T>> =
        Program.ofScope (fun scope ->
            let loop = scope.Loop
            // The scope may be over while the stream is not.
            let token = scope.Token
            ValueTask<_>(repeating (fun () -> wait loop token)))
