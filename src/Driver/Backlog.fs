// What a stream has received and its consumer has not taken. Mostly one item, which lies here; only a backlog allocates.
// And the lock in front of it. Both are structs inside the stream: a connection's data is where its stream is.
namespace Uring.Driver

open System.Collections.Generic
open System.Threading

/// One result of a stream: a descriptor, a mask or a number, and the bytes that came with it.
[<Struct; NoEquality; NoComparison>]
type internal StreamItem = { Result: int; Lease: BufferLease }

/// First in, first out. Cell and number apart: a struct of both, written field by field and copied as a whole, costs a
/// stall of the store buffer at each copy, and this is on the way of each message.
[<Struct; NoEquality; NoComparison>]
type internal Backlog =
    val mutable private first: LeaseCell | null
    val mutable private number: int
    val mutable private isFilled: bool
    val mutable private rest: Queue<struct (LeaseCell | null * int)> | null

    member this.IsEmpty = not this.isFilled

    /// The bytes of the oldest, which stays.
    member this.FirstCell = this.first

    /// The number of the oldest, which stays.
    member this.FirstNumber = this.number

    /// Takes the oldest's place.
    member this.Replace(number: int) = this.number <- number

    member this.Enqueue(cell: LeaseCell | null, number: int) =
        if not this.isFilled then
            this.first <- cell
            this.number <- number
            this.isFilled <- true
        else
            match this.rest with
            | null ->
                let rest = Queue<struct (LeaseCell | null * int)>()
                rest.Enqueue(struct (cell, number))
                this.rest <- rest
            | rest -> rest.Enqueue(struct (cell, number))

    /// Lets go of the oldest.
    member this.Drop() =
        this.first <- null
        this.isFilled <- false

        match this.rest with
        | null -> ()
        | rest ->
            let mutable next = struct (null, 0)

            if rest.TryDequeue &next then
                let struct (cell, number) = next
                this.first <- cell
                this.number <- number
                this.isFilled <- true

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
    /// And the stream is to be armed again.
    | ItemAndRoom
    | Nothing
    | End
    | Failure
