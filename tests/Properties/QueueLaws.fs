module Uring.Laws.QueueLaws

open Expecto
open Uring.Model

type Step =
    /// The producer adds one entry.
    | Push
    /// The consumer takes so many of the entries that are there.
    | Consume of count: byte
    /// A consumer reports this head, right or wrong.
    | ReportHead of distance: int16
    /// A producer reports a tail at most this far behind or ahead of ours: never back, but perhaps too far.
    | ReportTail of distance: byte

/// Counters start here, so that short histories pass the wrap.
let private nearWrap = 0xFFFF_FFF0u

/// The queue, the slots in memory, and the reference: the entries inside as a list, oldest first.
type private World = {
    Queue: Queue
    Memory: Map<uint32, int>
    Inside: int list
    /// The name of the next entry.
    Next: int
    /// Entries in the order in which they came out of memory, newest first.
    Out: int list
    /// The first broken promise.
    Broken: string option
}

let private broken promise kept world =
    if kept || world.Broken.IsSome then world else { world with Broken = Some promise }

/// Writes entries until the queue's tail stands at `queue.Tail`.
let private fill (queue: Queue) count world =
    let names = [ world.Next .. world.Next + count - 1 ]

    let write memory name =
        Map.add (Queue.slot (world.Queue.Tail + uint32 (name - world.Next)) world.Queue) name memory

    {
        world with
            Queue = queue
            Memory = List.fold write world.Memory names
            Inside = world.Inside @ names
            Next = world.Next + count
    }

/// Reads entries from memory until the head stands at `queue.Head`.
let private drain (queue: Queue) count world =
    let positions = [ for index in 0 .. count - 1 -> world.Queue.Head + uint32 index ]
    let read = positions |> List.map (fun position -> world.Memory[Queue.slot position world.Queue])

    {
        world with
            Queue = queue
            Inside = List.skip count world.Inside
            Out = List.rev read @ world.Out
    }
    |> broken "entries leave in the order in which they came" (read = List.take count world.Inside)

let private apply world step =
    let queue = world.Queue
    let inside = world.Inside.Length
    let room = int queue.Entries - inside

    match step with
    | Push when room = 0 ->
        world |> broken "a push on a full queue changes nothing" (Queue.pushed queue = queue)
    | Push ->
        let pushed = Queue.pushed queue
        fill pushed 1 world |> broken "a push goes in" (pushed.Tail = queue.Tail + 1u)
    | Consume count ->
        let count = min (int count) inside
        let consumed = Queue.consumedTo (queue.Head + uint32 count) queue

        drain consumed count world
        |> broken "a true head is believed" (consumed.Head = queue.Head + uint32 count)
    | ReportHead distance when int distance >= 0 && int distance <= inside ->
        drain (Queue.consumedTo (queue.Head + uint32 distance) queue) (int distance) world
    | ReportHead distance ->
        let reported = Queue.consumedTo (queue.Head + uint32 (int distance)) queue
        world |> broken "a head past the tail is refused" (reported = queue)
    | ReportTail 0xffuy when inside > 0 ->
        let reported = Queue.filledTo (queue.Tail - 1u) queue
        world |> broken "a tail that goes back is refused" (reported = queue)
    | ReportTail distance when int distance <= room ->
        let filled = Queue.filledTo (queue.Tail + uint32 distance) queue

        fill filled (int distance) world
        |> broken "a true tail is believed" (filled.Tail = queue.Tail + uint32 distance)
    | ReportTail distance ->
        let reported = Queue.filledTo (queue.Tail + uint32 distance) queue
        world |> broken "a tail with more than the ring holds is refused" (reported = queue)

let private start (entries: uint32) at = {
    Queue = { Queue.create entries with Head = at; Tail = at }
    Memory = Map.empty
    Inside = []
    Next = 0
    Out = []
    Broken = None
}

/// Runs the steps on queues of several sizes, and checks the law after each of them.
let private always law (steps: Step list) =
    for entries in [ 1u; 2u; 4u; 32u ] do
        for at in [ 0u; nearWrap; 0xFFFF_FFFFu ] do
            for world in List.scan apply (start entries at) steps do
                law world

let private promised world =
    match world.Broken with
    | Some promise -> failtestf "%s, but %A" promise world
    | None -> ()

[<Tests>]
let laws =
    testList "Queue" [
        testProperty "1. used + free = entries, across the 2^32 wrap"
        <| always (fun world ->
            let queue, inside = world.Queue, world.Inside.Length
            Expect.equal (Queue.used queue) (uint32 inside) "used"
            Expect.equal (Queue.free queue) (queue.Entries - uint32 inside) "free"
            Expect.equal (Queue.isEmpty queue) (inside = 0) "empty"
            Expect.equal (Queue.isFull queue) (inside = int queue.Entries) "full")

        testProperty "2. a push on a full queue is refused and changes nothing"
        <| always (fun world ->
            promised world

            let full =
                List.fold (fun queue _ -> Queue.pushed queue) world.Queue [ 1u .. world.Queue.Entries ]

            Expect.equal full.Tail (world.Queue.Head + world.Queue.Entries) "filled to the brim"
            Expect.equal (Queue.pushed full) full "one more")

        testProperty "3. entries leave in the order in which they came, each exactly once"
        <| always (fun world ->
            promised world
            Expect.equal (List.rev world.Out @ world.Inside) [ 0 .. world.Next - 1 ] "out, then inside")

        testProperty "4. the head never passes the tail: a report that says so is refused"
        <| always (fun world ->
            promised world
            let queue = world.Queue

            let believed = [ for index in 0 .. world.Inside.Length -> queue.Head + uint32 index ]

            for head in queue.Head - 3u :: queue.Tail + 1u :: queue.Tail + 0x8000_0000u :: believed do
                let expected = if List.contains head believed then head else queue.Head

                Expect.equal
                    (Queue.consumedTo head queue)
                    { queue with Head = expected }
                    $"head {head} reported")

        testProperty "5. two live entries never share a slot"
        <| always (fun world ->
            let live = [ for index in 0 .. world.Inside.Length - 1 -> world.Queue.Head + uint32 index ]
            let slots = live |> List.map (fun position -> Queue.slot position world.Queue)
            Expect.equal (List.distinct slots) slots "slots"
            Expect.all slots (fun slot -> slot < world.Queue.Entries) "inside the ring")
    ]
