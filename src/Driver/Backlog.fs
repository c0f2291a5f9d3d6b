// What a stream has received and its consumer has not taken. Mostly one item, which lies here; only a backlog allocates.
// And the lock in front of it. Both are structs inside the stream: a connection's data is where its stream is.
namespace Uring.Driver

open System.Collections.Generic
open System.Threading

/// One result of a stream: a descriptor, a mask or a number, and the bytes that came with it.
[<Struct; NoEquality; NoComparison>]
type internal StreamItem = { Result: int; Lease: BufferLease }

/// First in, first out.
[<Struct; NoEquality; NoComparison>]
type internal Backlog =
    val mutable private first: StreamItem
    val mutable private isFilled: bool
    val mutable private rest: Queue<StreamItem> | null

    member this.IsEmpty = not this.isFilled

    /// The oldest, which stays.
    member this.First = this.first

    /// Takes the oldest's place.
    member this.Replace(item: StreamItem) = this.first <- item

    member this.Enqueue(item: StreamItem) =
        if not this.isFilled then
            this.first <- item
            this.isFilled <- true
        else
            match this.rest with
            | null ->
                let rest = Queue<StreamItem>()
                rest.Enqueue item
                this.rest <- rest
            | rest -> rest.Enqueue item

    member this.Dequeue() =
        let item = this.first

        match this.rest with
        | null ->
            this.isFilled <- false
            this.first <- Unchecked.defaultof<StreamItem>
        // Empty, it leaves the default behind.
        | rest -> this.isFilled <- rest.TryDequeue &this.first

        item

/// A lock for a few instructions, between two threads that seldom meet: one exchange, and no object of its own.
[<Struct; NoEquality; NoComparison>]
type internal Gate =
    val mutable private isTaken: int

    member this.Enter() =
        // A full fence: pairs with the release in `Leave`.
        if Interlocked.CompareExchange(&this.isTaken, 1, 0) <> 0 then
            let mutable spinner = SpinWait()

            while Interlocked.CompareExchange(&this.isTaken, 1, 0) <> 0 do
                spinner.SpinOnce()

    /// Release: what was changed inside is visible to the next who enters.
    member this.Leave() = Volatile.Write(&this.isTaken, 0)

/// What a consumer finds.
[<Struct; RequireQualifiedAccess>]
type internal Found =
    | Item
    | Nothing
    | End
    | Failure
