// Decides what the explorer's world consists of: the kernel's side of a buffer ring, sockets, and the application.
// Knows no step. A world is a value, and `keyOf` leaves out what can make no difference, so that there are finitely many.
module Uring.Laws.ExplorerWorld

open Uring.Model
open Uring.Laws.BufferValues

/// How the sender of a stream ends it.
type Ending =
    /// It stays connected and is silent.
    | Silence
    | EndOfFile
    | Reset

/// What is explored: sizes, and what may happen.
type Config = {
    Name: string
    Streams: int
    /// Bytes that come on each stream; endless when negative.
    Bytes: int
    Ending: Ending
    /// Most results that wait in a stream.
    QueueLimit: int
    Buffers: int
    /// How many of them there are from the start; the others are added when none is left.
    FirstBuffers: int
    /// Bytes in a buffer.
    Size: int
    Incremental: bool
    Bundles: bool
    /// The completion queue may overflow, which ends a multishot with its data.
    Overflows: bool
    /// The kernel may give up the rest of a buffer without saying so.
    GivesUp: bool
    /// The kernel may take a buffer and say so later than others.
    IsLate: bool
    /// End of file comes with a buffer that holds nothing, as in older kernels.
    EndsWithBuffer: bool
    /// The application may stop a stream, ...
    Stops: bool
    /// ... leave it (an early break), ...
    Leaves: bool
    /// ... or dispose of everything at once.
    Disposes: bool
}

/// Where the kernel is with a stream's request.
[<RequireQualifiedAccess>]
type Request =
    | None
    /// To be issued: it looks for a buffer first.
    | Issued
    /// It waits for data, and holds no buffer.
    | Polling
    /// It has taken a buffer, and the completion is not out.
    | Holding of Completion

/// What lies in a slot of the ring: written by the application, and by a kernel that uses it in part.
[<Struct>]
type Entry = {
    BufferId: int
    Start: int
    Left: int
    /// Written, and the kernel has not taken all of it.
    IsFresh: bool
}

/// A part of a buffer that waits in a stream or that the consumer holds.
type Item = { Id: int; Start: int; Length: int }

/// A stream: its socket, the kernel's request, the driver's state and the consumer.
type Stream = {
    Lifecycle: Lifecycle
    Flow: Multishot
    Items: Item list
    Request: Request
    /// The kernel has been asked to end the request.
    CancelAsked: bool
    /// Bytes that are still to come; endless when negative.
    Unsent: int
    /// Numbers of the next byte to be received, to be completed and to be consumed.
    Sent: int
    Arrived: int
    Consumed: int
    /// Somebody wants its end.
    IsStopped: bool
    /// The consumer is gone.
    HasLeft: bool
    /// How it ended; `Nothing` while it has not.
    Outcome: StreamVerdict
}

type World = {
    Config: Config
    Ring: BufferRing
    Store: Store
    Supply: Supply
    /// The kernel's own, which nobody sees.
    KernelHead: uint16
    /// In memory that both see.
    SharedTail: uint16
    Entries: Entry array
    /// What each byte of each buffer holds: see `numbered`.
    Cells: byte array
    /// Not yet seen by the application, oldest first.
    Completions: Completion list
    Streams: Stream array
    /// What the consumers hold, sorted.
    Held: Item list
    /// Buffers that wait to be published, sorted.
    Returned: int list
    IsDisposed: bool
}

/// Where all counters start: the wrap is two buffers away.
let nearWrap = 0xFFFEus

/// A byte that holds nothing that anybody may still want.
[<Literal>]
let Empty = 0uy

/// A byte that a consumer holds.
[<Literal>]
let HeldByte = 255uy

/// Bytes of a stream are numbered from 0 on and again: more than can be under way at once.
let after number = (number + 1) % 16

/// The content of a stream's byte.
let numbered stream number = byte (1 + 16 * stream + number)

let cell (world: World) id offset = world.Cells[id * world.Config.Size + offset]

/// Writes into a part of a buffer.
let fill (bytes: int -> byte) (item: Item) (world: World) =
    let cells = Array.copy world.Cells

    for offset in 0 .. item.Length - 1 do
        cells[item.Id * world.Config.Size + item.Start + offset] <- bytes offset

    { world with Cells = cells }

let withStream index change (world: World) = {
    world with
        Streams = Array.updateAt index (change world.Streams[index]) world.Streams
}

let userDataOf (stream: int) = UserData.pack (uint32 stream) 0u CompletionKind.Operation

let streamOf (completion: Completion) = int (UserData.slot completion.UserData)

/// Entries that the kernel sees and has not taken.
let visible world = int (world.SharedTail - world.KernelHead)

let start config =
    let entries = BufferRing.entriesFor config.Buffers

    {
        Config = config
        Ring = ringAt nearWrap entries
        Store = fresh config.Buffers entries
        Supply = { Count = config.FirstBuffers; Limit = config.Buffers; Step = 1; LowWater = 1 }
        KernelHead = nearWrap
        SharedTail = nearWrap
        Entries = Array.create entries { BufferId = 0; Start = 0; Left = 0; IsFresh = false }
        Cells = Array.create (config.Buffers * config.Size) Empty
        Completions = []
        Streams =
            Array.create config.Streams {
                Lifecycle = Lifecycle.free
                Flow = Multishot.armed config.QueueLimit
                Items = []
                Request = Request.None
                CancelAsked = false
                Unsent = config.Bytes
                Sent = 0
                Arrived = 0
                Consumed = 0
                IsStopped = false
                HasLeft = false
                Outcome = StreamVerdict.Nothing
            }
        Held = []
        Returned = [ 0 .. config.FirstBuffers - 1 ]
        IsDisposed = false
    }

/// Brings the free-running counters back by whole rounds: the states come to an end, and the wrap stays among them.
let folded world =
    let rounds = (world.Ring.Head - nearWrap) / 8us * 8us

    if rounds = 0us then
        world
    else
        let back (position: uint16) = position - rounds

        {
            world with
                Ring = {
                    world.Ring with
                        Head = back world.Ring.Head
                        Tail = back world.Ring.Tail
                        Written = back world.Ring.Written
                }
                KernelHead = back world.KernelHead
                SharedTail = back world.SharedTail
                Store = {
                    world.Store with
                        Buffers =
                            world.Store.Buffers
                            |> Array.map (fun buffer -> { buffer with Position = back buffer.Position })
                }
        }

/// Equal exactly for worlds that go on in the same way. A string, since it is compact and hashes fast.
let keyOf world =
    let text = System.Text.StringBuilder(96)
    let add (number: int) = text.Append(char number) |> ignore
    let addBool flag = add (if flag then 1 else 0)

    let addItems (items: Item list) =
        add items.Length

        for item in items do
            add (item.Id ||| item.Start <<< 4 ||| item.Length <<< 8)

    let addCompletion (completion: Completion) =
        add (streamOf completion)
        add completion.Result
        add (int completion.Flags ||| int (uint32 completion.Flags >>> 8))

    let ring = world.Ring
    add (int ring.Head)
    add (int (ring.Tail - ring.Head) ||| int (ring.Written - ring.Head) <<< 4 ||| ring.Published <<< 8)
    add (int world.KernelHead)
    add (int world.SharedTail)
    add (world.Supply.Count ||| (if world.IsDisposed then 16 else 0))

    for buffer in world.Store.Buffers do
        let owner =
            match buffer.Owner with
            | Owner.Kernel -> 0
            | Owner.Application -> 1
            | Owner.Returning -> 2

        // Where a buffer was that is not in the ring makes no difference, and would never come to an end.
        let place =
            if int (buffer.Position - ring.Head) < int (ring.Written - ring.Head) then
                1 + int (buffer.Position - ring.Head)
            else
                0

        add (owner ||| place <<< 2 ||| buffer.Length <<< 6 ||| buffer.Offset <<< 9 ||| buffer.Leases <<< 12)

    for slot in 0 .. world.Entries.Length - 1 do
        let entry = world.Entries[slot]
        add world.Store.Order[slot]

        if entry.IsFresh then
            add (1 + entry.BufferId ||| entry.Start <<< 4 ||| entry.Left <<< 8)
        else
            add 0

    for content in world.Cells do
        add (int content)

    add world.Completions.Length

    for completion in world.Completions do
        addCompletion completion

    for stream in world.Streams do
        add (hash stream.Lifecycle.Phase)
        addBool stream.Lifecycle.Abandoned
        add (hash stream.Flow.Phase)
        add (stream.Flow.Queued ||| (if stream.IsStopped then 256 else 0))
        addItems stream.Items

        match stream.Request with
        | Request.None -> add 0
        | Request.Issued -> add 1
        | Request.Polling -> add 2
        | Request.Holding completion ->
            add 3
            addCompletion completion

        addBool stream.CancelAsked
        addBool stream.HasLeft
        add stream.Unsent
        add (stream.Sent ||| stream.Arrived <<< 4 ||| stream.Consumed <<< 8)
        add (hash stream.Outcome)

    addItems world.Held
    add (world.Returned |> List.sumBy (fun id -> 1 <<< id))
    text.ToString()
