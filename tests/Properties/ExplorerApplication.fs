// Decides what the driver and its consumers may do next, by asking the machine and obeying its verdicts.
// Knows nothing of the kernel's state beyond the shared tail, the entries and the completions.
module Uring.Laws.ExplorerApplication

open Uring.Model
open Uring.Laws.BufferValues
open Uring.Laws.ExplorerMachine
open Uring.Laws.ExplorerWorld
open Uring.Laws.ExplorerKernel

/// One atomic step of the application.
[<RequireQualifiedAccess>]
type AppStep =
    /// Takes the oldest completion.
    | Processes
    | Publishes of id: int
    | Commits
    /// Puts a request into the submission queue, where the kernel sees it.
    | Submits of stream: int
    | Feeds of stream: int
    /// The consumer takes an item, ...
    | Consumes of stream: int
    /// ... and is done with it.
    | Releases of Item
    | Stops of stream: int
    | Leaves of stream: int
    | Disposes

let private unexpected verdict what = alarm $"%A{verdict} when {what}"

// ---- Buffers --------------------------------------------------------------------------------------------

/// Publishes a buffer: the verdict, and then the entry. The kernel sees neither before the commit.
let private publish machine id world =
    let slot = BufferRing.slot world.Ring
    let struct (ring, store, verdict) = machine.Publish world.Ring world.Store id world.Config.Size
    let world = { world with Ring = ring; Store = store }

    match verdict with
    | BufferVerdict.Write -> {
        world with
            Entries =
                Array.updateAt
                    slot
                    { BufferId = id; Start = 0; Left = world.Config.Size; IsFresh = true }
                    world.Entries
            Returned = List.except [ id ] world.Returned
      }
    | BufferVerdict.Full -> { world with Returned = List.sort (List.distinct (id :: world.Returned)) }
    | verdict -> unexpected verdict $"buffer {id} is published"

let private commit machine world =
    let struct (ring, verdict) = machine.Commit world.Ring

    match verdict with
    | BufferVerdict.StoreTail -> { world with Ring = ring; SharedTail = ring.Tail }
    | BufferVerdict.Ignore -> world
    | verdict -> unexpected verdict "the tail is committed"

let private giveBack release (item: Item) world =
    let struct (store, verdict) = release world.Store item.Id
    let world = { fill (fun _ -> Empty) item world with Store = store }

    match verdict with
    | BufferVerdict.Return -> { world with Returned = List.sort (item.Id :: world.Returned) }
    | BufferVerdict.Keep -> world
    | verdict -> unexpected verdict $"%A{item} is released"

let rec private passOver machine id world =
    let struct (ring, store, passed) = machine.PassOver world.Ring world.Store id
    let world = { world with Ring = ring; Store = store }

    if passed < 0 then world else world |> publish machine passed |> passOver machine id

/// Checks that a part holds the stream's next bytes.
let private arrive index (item: Item) world =
    let folder number offset =
        let content = cell world item.Id (item.Start + offset)

        if content <> numbered index number then
            alarm $"stream {index} expects byte {number} in %A{item}, and finds {content}"

        after number

    let next = Seq.fold folder world.Streams[index].Arrived (seq { 0 .. item.Length - 1 })
    withStream index (fun stream -> { stream with Arrived = next }) world

let rec private takeParts machine index id bytes more items world =
    let struct (ring, store, verdict, part) = machine.Take world.Ring world.Store id bytes more

    match verdict with
    | BufferVerdict.Take
    | BufferVerdict.TakePart ->
        let item = { Id = part.Id; Start = part.Start; Length = part.Length }
        let world = { world with Ring = ring; Store = store } |> arrive index item
        let items = items @ [ item ]

        if part.Left > 0 then
            takeParts machine index part.Next part.Left more items world
        else
            world, items
    | verdict -> unexpected verdict $"a completion names buffer {id} with {bytes} bytes"

/// The parts that a completion brought, in order.
let private take machine index (completion: Completion) world =
    match machine.BufferOf completion with
    | ValueNone -> world, []
    | ValueSome id ->
        world
        |> passOver machine (int id)
        |> takeParts machine index (int id) (max 0 completion.Result) (Completion.bufferMore completion) []

// ---- Streams --------------------------------------------------------------------------------------------

let private arm machine index world =
    let stream = world.Streams[index]
    let struct (lifecycle, verdict) = machine.Begin stream.Lifecycle
    if verdict <> Verdict.Ignore then unexpected verdict $"stream {index} is armed"

    if stream.Flow.Queued >= stream.Flow.Limit then
        alarm $"stream {index} is armed while {stream.Flow.Queued} results wait, of {stream.Flow.Limit}"

    if stream.IsStopped then alarm $"stream {index} is armed after it was stopped"

    withStream index (fun stream -> { stream with Lifecycle = lifecycle }) world

/// Buffers are added when a stream starves and the kernel has none.
let private grow machine world =
    let added = if world.Ring.Published > 0 then 0 else machine.ToAdd world.Supply

    let ids = [ world.Supply.Count .. world.Supply.Count + added - 1 ]
    let world = { world with Supply = Supply.grown added world.Supply }
    if world.Supply.Count > world.Supply.Limit then alarm "the pool is larger than its limit"
    List.fold (fun world id -> publish machine id world) world ids

/// The last completion of an operation, or its withdrawal.
let private finish machine index result world =
    let struct (flow, verdict) = machine.End result world.Streams[index].Flow
    let keep stream = { stream with Flow = flow; Items = machine.Keep verdict stream.Items }
    let world = withStream index keep world
    let ranOut = result = Errno.toResult Errno.ENOBUFS

    match verdict with
    | StreamVerdict.Arm when ranOut && world.Ring.Published = 0 ->
        alarm $"stream {index} is armed again without a buffer"
    | StreamVerdict.Arm -> arm machine index world
    | StreamVerdict.Starve -> grow machine world
    | StreamVerdict.EndOfStream
    | StreamVerdict.Fail
    | StreamVerdict.Cancelled -> withStream index (fun stream -> { stream with Outcome = verdict }) world
    | StreamVerdict.Park
    | StreamVerdict.Nothing -> world
    | StreamVerdict.Pause
    | StreamVerdict.AskKernel -> unexpected verdict $"stream {index} hears {result}"

let private askToEnd machine index world =
    let struct (lifecycle, verdict) = machine.Cancel world.Streams[index].Lifecycle
    let world = withStream index (fun stream -> { stream with Lifecycle = lifecycle }) world

    match verdict with
    | Verdict.AskKernel ->
        withStream index (fun stream -> { stream with CancelAsked = stream.Request <> Request.None }) world
    | Verdict.Withdraw
    | Verdict.DiscardAndRelease -> finish machine index (Errno.toResult Errno.ECANCELED) world
    | Verdict.Ignore -> world
    | verdict -> unexpected verdict $"stream {index} is cancelled"

/// Puts items before the consumer.
let private queue machine index items world =
    let add stream = { stream with Items = stream.Items @ items }
    let struct (flow, verdict) = machine.Queue (List.length items) world.Streams[index].Flow
    let world = withStream index (fun stream -> { add stream with Flow = flow }) world

    match verdict with
    | StreamVerdict.Nothing -> world
    | StreamVerdict.Pause -> askToEnd machine index world
    | verdict -> unexpected verdict $"stream {index} is given %A{items}"

/// Buffers without bytes are nothing to the consumer.
let private deliver machine index items world =
    let full, bare = List.partition (fun (item: Item) -> item.Length > 0) items
    let world = List.foldBack (giveBack machine.Discard) bare world
    if full.IsEmpty then world else queue machine index full world

let private discard machine items world = List.foldBack (giveBack machine.Discard) items world

let private processOldest machine world =
    let completion = List.head world.Completions
    let index = streamOf completion
    let struct (lifecycle, verdict) = machine.Complete completion world.Streams[index].Lifecycle

    let world, items =
        { world with Completions = List.tail world.Completions }
        |> withStream index (fun stream -> { stream with Lifecycle = lifecycle })
        |> take machine index completion

    match verdict with
    | Verdict.Deliver -> deliver machine index items world
    | Verdict.Finish -> world |> deliver machine index items |> finish machine index completion.Result
    | Verdict.Discard -> discard machine items world
    | Verdict.DiscardAndRelease -> world |> discard machine items |> finish machine index completion.Result
    | verdict -> unexpected verdict $"stream {index} hears %A{completion}"

/// Somebody wants the stream's end.
let private stop machine index world =
    let struct (flow, verdict) = machine.Stop world.Streams[index].Flow
    let world = withStream index (fun stream -> { stream with Flow = flow; IsStopped = true }) world

    match verdict with
    | StreamVerdict.AskKernel -> askToEnd machine index world
    | StreamVerdict.Cancelled -> withStream index (fun stream -> { stream with Outcome = verdict }) world
    | StreamVerdict.Nothing -> world
    | verdict -> unexpected verdict $"stream {index} is stopped"

/// The consumer leaves: what waits for it goes back, and what comes will.
let private leave machine index world =
    let items = world.Streams[index].Items

    let world =
        world
        |> withStream index (fun stream -> {
            stream with
                HasLeft = true
                Items = []
                Lifecycle = machine.Abandon stream.Lifecycle
        })
        |> stop machine index

    discard machine items world

// ---- Consumers ------------------------------------------------------------------------------------------

let private consume machine index world =
    let stream = world.Streams[index]
    let item = List.head stream.Items

    let folder number offset =
        if cell world item.Id (item.Start + offset) <> numbered index number then
            alarm $"the consumer of stream {index} expects byte {number}, and is given another in %A{item}"

        after number

    let next = Seq.fold folder stream.Consumed (seq { 0 .. item.Length - 1 })
    let struct (flow, verdict) = machine.Consume stream.Flow

    let world =
        { world with Held = List.sort (item :: world.Held) }
        |> fill (fun _ -> HeldByte) item
        |> withStream index (fun stream -> {
            stream with
                Items = List.tail stream.Items
                Consumed = next
                Flow = flow
        })

    match verdict with
    | StreamVerdict.Arm -> arm machine index world
    | StreamVerdict.Nothing -> world
    | verdict -> unexpected verdict $"the consumer of stream {index} takes an item"

let private removeFirst item items =
    let at = List.findIndex ((=) item) items
    List.removeAt at items

let private feed machine index world =
    let struct (flow, verdict) = machine.Feed world.Streams[index].Flow
    let world = withStream index (fun stream -> { stream with Flow = flow }) world

    match verdict with
    | StreamVerdict.Arm -> arm machine index world
    | StreamVerdict.Nothing -> world
    | verdict -> unexpected verdict $"stream {index} is fed"

let private submit machine index world =
    let struct (lifecycle, verdict) = machine.Submit world.Streams[index].Lifecycle
    if verdict <> Verdict.Ignore then unexpected verdict $"stream {index} is submitted"

    world
    |> withStream index (fun stream -> {
        stream with
            Lifecycle = lifecycle
            Request = Request.Issued
            CancelAsked = false
    })

/// The first step of all: buffers are published, and the streams begin.
let start machine config =
    let world = ExplorerWorld.start config
    let world = List.fold (fun world id -> publish machine id world) world world.Returned
    Seq.fold (fun world index -> arm machine index world) world (seq { 0 .. config.Streams - 1 })

/// What a user may do, or not.
let choices machine world : (AppStep * World) list = [
    for index in 0 .. world.Streams.Length - 1 do
        let stream = world.Streams[index]

        if world.Config.Stops && not stream.IsStopped && stream.Outcome = StreamVerdict.Nothing then
            AppStep.Stops index, stop machine index world

        if world.Config.Leaves && not stream.HasLeft then
            AppStep.Leaves index, leave machine index world

    if world.Config.Disposes && not world.IsDisposed then
        let leaveIfHere world index =
            if world.Streams[index].HasLeft then world else leave machine index world

        let gone = Seq.fold leaveIfHere world (seq { 0 .. world.Streams.Length - 1 })
        AppStep.Disposes, { gone with IsDisposed = true }
]

/// What will happen sooner or later: the driver's work, and consumers who neither sleep nor leave.
let duties machine world : (AppStep * World) list = [
    if not world.Completions.IsEmpty then AppStep.Processes, processOldest machine world

    for id in world.Returned do
        AppStep.Publishes id, publish machine id world

    if world.SharedTail <> world.Ring.Written then AppStep.Commits, commit machine world

    for index in 0 .. world.Streams.Length - 1 do
        let stream = world.Streams[index]

        if stream.Lifecycle.Phase = Phase.Queued then
            AppStep.Submits index, submit machine index world

        // Turns pass while nothing else happens.
        let mayFeed = machine.MayFeed world.Ring.Published Supply.Patience world.Supply

        if stream.Flow.Phase = StreamPhase.Starving && mayFeed then
            AppStep.Feeds index, feed machine index world

        if not stream.Items.IsEmpty then AppStep.Consumes index, consume machine index world

    for item in List.distinct world.Held do
        let without = { world with Held = removeFirst item world.Held }
        AppStep.Releases item, giveBack machine.Release item without
]
