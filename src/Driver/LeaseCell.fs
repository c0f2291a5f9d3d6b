// The object behind a lease of a part of a pool's buffer. Applies Model/Lease, whose packed state any thread may
// exchange. It is used again, so that a lease costs nothing; a handle (BufferLease) names one use of it.
namespace Uring.Driver

open System
open System.Buffers
open System.Diagnostics
open System.Threading
open Uring.Kernel
open Uring.Model

/// What is said of a lease that was dropped.
[<RequireQualifiedAccess>]
module internal LostLease =

    /// `place` is the stack that took it, if that was recorded.
    let describe (place: string | null) =
        match place with
        | null ->
            "A buffer lease was dropped without being disposed of; its buffer has come back late. Dispose of every lease. To learn where it was taken, make the pool with TrackLeases."
        | place ->
            String.Concat(
                "A buffer lease was dropped without being disposed of; its buffer has come back late. Dispose of every lease. It was taken here:",
                Environment.NewLine,
                place
            )

/// Where leases come from.
type internal ILeaseHome =
    /// From any thread: the last hold is gone.
    abstract Return: LeaseCell -> unit
    /// As `Return`, on the thread of this host's loop, which may be another than the lease's.
    abstract ReturnOn: host: IHost * cell: LeaseCell -> unit
    /// As `Return`, on the loop's thread.
    abstract TakeBack: LeaseCell -> unit
    /// As `Return`, when the loop has ended. From any thread.
    abstract TakeBackLate: LeaseCell -> unit
    /// It was collected without having been disposed of; `place` is the stack that took it, if that was recorded. On
    /// the finalizer's thread.
    abstract Lost: place: string | null -> unit

/// As a memory manager it is what a `Memory<byte>` of the lease refers to: such memory ends with the lease, and a cell
/// that has given one away is not used again.
and [<Sealed>] internal LeaseCell(home: ILeaseHome, root: LeaseCell | null) =
    inherit MemoryManager<byte>()

    let mutable bits = Lease.closed.Bits
    // Where the capacity begins; the view is a range of it.
    let mutable origin = 0n
    let mutable capacity = 0
    let mutable start = 0
    let mutable length = 0
    // How far, from the origin, somebody else may have been shown the bytes.
    let mutable shown = 0
    let mutable exposed = false
    let mutable place: string | null = null
    let mutable returning: ReturnWork | null = null

    let refuse () : unit =
        raise (
            ObjectDisposedException(
                "BufferLease",
                "This lease has been given back: its buffer may be the kernel's again. Use the bytes before Dispose, or copy them."
            )
        )

    member private _.State: Lease = { Bits = Volatile.Read &bits }

    /// The buffer's id in its pool.
    member val Id = -1 with get, set

    /// What else the same completion brought, for the moment of its arrival.
    [<DefaultValue>]
    val mutable After: LeaseCell | null

    /// It can be used for another lease.
    member _.IsReusable = isNull root && not exposed

    /// A full fence: what the holder wrote is written before the buffer goes back.
    member private _.TryExchange(before: Lease, after: Lease) =
        Interlocked.CompareExchange(&bits, after.Bits, before.Bits) = before.Bits

    member private this.GiveBack() =
        match root with
        | null -> home.Return this
        | root -> root.Drop()

    /// What follows from the change is the caller's to do.
    member inline private this.Exchange
        ([<InlineIfLambda>] change: Lease -> struct (Lease * LeaseVerdict))
        : LeaseVerdict =
        let mutable before = this.State
        let mutable struct (after, verdict) = change before

        while not (this.TryExchange(before, after)) do
            before <- this.State
            let struct (again, verdictAgain) = change before
            after <- again
            verdict <- verdictAgain

        verdict

    /// False when the lease's law refuses the change.
    member inline private this.Apply
        ([<InlineIfLambda>] change: Lease -> struct (Lease * LeaseVerdict))
        : bool =
        let verdict = this.Exchange change

        if verdict = LeaseVerdict.GiveBack then this.GiveBack()

        verdict <> LeaseVerdict.Refuse

    /// Remembers who takes it.
    member _.Track() = place <- StackTrace(1, true).ToString()

    /// A new use: `view` bytes of the `room` at `address`. Returns its version.
    member this.Open(address: nativeint, room: int, view: int) =
        origin <- address
        capacity <- room
        start <- 0
        length <- view
        shown <- view
        place <- null
        let lease = Lease.opened this.State
        Volatile.Write(&bits, lease.Bits)
        lease.Version

    /// The handle of this version may read and write.
    member this.IsOpen(version: int) = Lease.isValid version this.State

    member this.Check(version: int) = if not (this.IsOpen version) then refuse ()

    /// Somebody else needs the buffer, too: an operation, a share.
    member this.Hold(version: int) = if not (this.Apply(fun lease -> Lease.held version lease)) then refuse ()

    /// Somebody who held it is done.
    member this.Drop() = this.Apply(fun lease -> Lease.dropped lease) |> ignore

    /// As `Drop`, on the thread of this host's loop: asking which thread that is costs more than all else here.
    member this.DropOn(host: IHost) : unit =
        if this.Exchange(fun lease -> Lease.dropped lease) = LeaseVerdict.GiveBack then
            match root with
            | null -> home.ReturnOn(host, this)
            | root -> root.DropOn host

    /// The handle is done, and its hold is the caller's, who drops it.
    member this.Take(version: int) =
        if not (this.Apply(fun lease -> Lease.passed version lease)) then refuse ()

    /// The handle is done, and its hold is the operation's whose pin this is.
    member this.Pass(version: int) : MemoryHandle =
        this.Take version
        Mapped.handle (origin + nativeint start) this

    /// Where the bytes lie, as long as somebody holds the lease.
    member _.Address = uint64 (origin + nativeint start)

    /// The handle is done. Harmless when it was done before.
    member this.Close(version: int) = this.Apply(fun lease -> Lease.close version lease) |> ignore

    /// Names the use that it is in now.
    member this.Version =
        let now = this.State
        now.Version

    /// Nobody has been given the handle: the buffer goes back.
    member this.Discard() = this.Close this.Version

    /// Nobody else looks at the bytes, so they can be moved about.
    member this.IsAlone =
        let now = this.State
        now.Holds = 1 && isNull root

    member _.Length = length
    member _.Capacity = capacity - start

    /// Memory that is safe only while somebody holds the lease: after that the cell may be used again.
    member this.Unexposed: Memory<byte> = this.CreateMemory(start, length)

    /// Memory that anybody may keep: after the lease it throws.
    member this.Exposed: Memory<byte> =
        exposed <- true
        this.Unexposed

    member _.View: Span<byte> = Mapped.span (origin + nativeint start) length

    member _.Shorten(count: int) = length <- count

    /// Moves the tail down; at the start it only begins later.
    member this.Remove(first: int, count: int) =
        if first = 0 then
            start <- start + count
        elif first + count < length then
            this.View.Slice(first + count).CopyTo(this.View.Slice first)

        length <- length - count

    /// All of it or nothing, into the room behind the view; not over bytes that were cut off and that others still see.
    member this.TryAppend(bytes: ReadOnlySpan<byte>) =
        let fits = bytes.Length <= capacity - start - length && (start + length >= shown || this.IsAlone)

        if fits then
            bytes.CopyTo(Mapped.span (origin + nativeint (start + length)) bytes.Length)
            length <- length + bytes.Length
            shown <- max shown (start + length)

        fits

    /// Who holds it lets a share hold it as well.
    member private this.Join() = this.Apply(fun lease -> Lease.joined lease) |> ignore

    /// A lease of its own on a range of the view: the buffer goes back when both are done.
    member this.Share(version: int, first: int, count: int) : struct (LeaseCell * int) =
        // Held for the moment, so that the buffer stays whatever another thread does to this handle.
        this.Hold version

        let owner =
            match root with
            | null -> this
            | root -> root

        owner.Join()
        let share = new LeaseCell(home, owner)
        let opened = share.Open(origin + nativeint (start + first), count, count)

        if not (isNull place) then share.Track()

        this.Drop()
        struct (share, opened)

    /// What hands it over to the loop's thread.
    member this.Returning =
        match returning with
        | null ->
            let work = ReturnWork(home, this)
            returning <- work
            work
        | work -> work

    override this.GetSpan() =
        let now = this.State
        if not now.IsOpen then refuse ()

        Mapped.span origin capacity

    /// An operation that is given the memory holds the buffer until its last completion, whatever its caller does.
    override this.Pin index =
        this.Hold this.Version
        Mapped.handle (origin + nativeint index) this

    override this.Unpin() = this.Drop()

    override this.Dispose(_: bool) = this.Discard()

    /// Dropped without having been disposed of. A cell whose finalizer has run is not used again.
    override this.Finalize() =
        let lease = this.State

        if lease.IsOpen then
            exposed <- true
            home.Lost place
            this.Close lease.Version

/// The way back to the loop's thread.
and [<Sealed>] internal ReturnWork(home: ILeaseHome, cell: LeaseCell) =
    inherit Work()
    override _.Run() = home.TakeBack cell
    override _.Bury() = home.TakeBackLate cell
