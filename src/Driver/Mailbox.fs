// What other rings have sent to a loop's program, and who is sending now: a loop does not end while somebody sends to it, so
// that its ring's number names no other ring meanwhile.
namespace Uring.Driver

open System.Threading
open System.Threading.Channels
open System.Threading.Tasks
open Uring.Model

[<Sealed>]
type internal Mailbox() =
    let messages =
        Channel.CreateUnbounded<struct (int * int * uint32)>(UnboundedChannelOptions(SingleWriter = true))

    let mutable senders = 0

    /// On the loop's thread: a tag, a value, and flags.
    member _.Deliver(completion: Completion) =
        messages.Writer.TryWrite(
            struct (int (UserData.slot completion.UserData), completion.Result, uint32 completion.Flags)
        )
        |> ignore

    /// From any thread. Follow with a look whether the loop stops: whoever stops it looks here afterwards.
    member _.Enter() = Interlocked.Increment &senders |> ignore

    member _.Leave() = Interlocked.Decrement &senders |> ignore

    member _.HasSenders = Volatile.Read &senders <> 0

    /// Nothing comes any more.
    member _.Close() = messages.Writer.TryComplete() |> ignore

    /// From any thread: true when there is something to take, false when nothing will ever be.
    member _.Wait(token: CancellationToken) : ValueTask<bool> = messages.Reader.WaitToReadAsync token

    /// The oldest: a tag, a value, and flags.
    member _.TryTake(message: byref<struct (int * int * uint32)>) : bool = messages.Reader.TryRead &message
