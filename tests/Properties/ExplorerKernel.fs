// Decides what the kernel may do next with buffers, requests and sockets: kernel.md 3.3 to 3.6, 4.8 and 4.9.
// Knows nothing of the application's state: only what lies in shared memory, and what it was asked.
module Uring.Laws.ExplorerKernel

open Uring.Model
open Uring.Laws.ExplorerWorld

/// One atomic step of the kernel.
[<RequireQualifiedAccess>]
type KernelStep =
    /// It found a buffer and no data.
    | Waits of stream: int
    | Receives of stream: int * bytes: int * more: bool
    /// The completion of a buffer that was taken before comes only now.
    | Posts of stream: int
    | FindsNoBuffer of stream: int
    /// End of file, or an error.
    | Ends of stream: int
    | Cancels of stream: int
    | GivesUpRest

exception Alarm of string

let alarm text = raise (Alarm text)

let private slotOf (position: uint16) world = int position % world.Entries.Length

let private entryAt position world =
    let entry = world.Entries[slotOf position world]

    if not entry.IsFresh then
        alarm $"the kernel reads an entry that was not written, at {position}"

    entry

let private withEntry position entry (world: World) = {
    world with
        Entries = Array.updateAt (slotOf position world) entry world.Entries
}

let private pass world = {
    withEntry world.KernelHead { entryAt world.KernelHead world with IsFresh = false } world with
        KernelHead = world.KernelHead + 1us
}

/// The kernel has no more to do with the request; asking it to cancel would find nothing.
let private post stream completion (world: World) =
    let more = Completion.more completion

    let world = { world with Completions = world.Completions @ [ completion ] }

    withStream
        stream
        (fun stream -> {
            stream with
                Request = if more then Request.Polling else Request.None
                CancelAsked = stream.CancelAsked && more
        })
        world

let private completion stream result flags = { UserData = userDataOf stream; Result = result; Flags = flags }

let private flagsOf (id: int) more =
    LanguagePrimitives.EnumOfValue(uint32 id <<< 16) ||| CqeFlags.Buffer ||| more

/// Writes bytes of the stream into the entry at the head.
let private write stream count (entry: Entry) world =
    let first = world.Streams[stream].Sent

    for offset in entry.Start .. entry.Start + count - 1 do
        if cell world entry.BufferId offset <> Empty then
            alarm $"the kernel writes over byte {offset} of buffer {entry.BufferId}, which is in use"

    let item = { Id = entry.BufferId; Start = entry.Start; Length = count }

    let numberAt offset = Seq.init offset ignore |> Seq.fold (fun number () -> after number) first

    world
    |> fill (numberAt >> numbered stream) item
    |> withStream stream (fun stream -> {
        stream with
            Sent = numberAt count
            Unsent = if stream.Unsent < 0 then stream.Unsent else stream.Unsent - count
    })

/// Fills buffers from the head on. The second of the results: the last one stays the kernel's.
let rec private fillBuffers stream count world =
    let entry = entryAt world.KernelHead world
    let here = min count entry.Left
    let world = write stream here entry world

    if world.Config.Incremental && here < entry.Left then
        let rest = { entry with Start = entry.Start + here; Left = entry.Left - here }
        withEntry world.KernelHead rest world, true
    elif here < count then
        fillBuffers stream (count - here) (pass world)
    else
        pass world, false

/// Bytes that one receive can take in.
let private capacity world =
    if world.Config.Bundles then
        Seq.init (visible world) (fun nth -> (entryAt (world.KernelHead + uint16 nth) world).Left)
        |> Seq.sum
    else
        (entryAt world.KernelHead world).Left

let private receive stream count more isHeld world =
    let id = (entryAt world.KernelHead world).BufferId
    let world, keeps = fillBuffers stream count world
    let moreFlag = if more then CqeFlags.More else CqeFlags.None
    let keepsFlag = if keeps then CqeFlags.BufferMore else CqeFlags.None
    let completion = completion stream count (flagsOf id (moreFlag ||| keepsFlag))

    if isHeld then
        withStream stream (fun stream -> { stream with Request = Request.Holding completion }) world
    else
        post stream completion world

/// What it may do for a request that looks for a buffer, or whose socket became readable.
let private issue index world = [
    let stream = world.Streams[index]
    let config = world.Config
    let hasData = stream.Unsent <> 0
    let hasEnd = stream.Unsent = 0 && config.Ending <> Silence

    if visible world = 0 then
        if stream.Request = Request.Issued || hasData || hasEnd then
            KernelStep.FindsNoBuffer index,
            post index (completion index (Errno.toResult Errno.ENOBUFS) CqeFlags.None) world
    else
        if stream.Request = Request.Issued then
            KernelStep.Waits index,
            withStream index (fun stream -> { stream with Request = Request.Polling }) world

        if hasData then
            let arrived = if stream.Unsent < 0 then capacity world else stream.Unsent

            for count in 1 .. min arrived (capacity world) do
                // A bundle that empties the group ends the request without another word.
                let empties () = visible (fst (fillBuffers index count world)) = 0

                let mayGoOn = not config.Bundles || not (empties ())

                if mayGoOn then
                    KernelStep.Receives(index, count, true), receive index count true config.IsLate world

                if config.Overflows || not mayGoOn then
                    KernelStep.Receives(index, count, false), receive index count false config.IsLate world

        if hasEnd then
            if config.Ending = Reset then
                KernelStep.Ends index,
                post index (completion index (Errno.toResult Errno.ECONNRESET) CqeFlags.None) world
            elif config.EndsWithBuffer then
                let id = (entryAt world.KernelHead world).BufferId
                KernelStep.Ends index, post index (completion index 0 (flagsOf id CqeFlags.None)) (pass world)
            else
                KernelStep.Ends index, post index (completion index 0 CqeFlags.None) world
]

/// Everything that the kernel may do now.
let steps world : (KernelStep * World) list = [
    for index in 0 .. world.Streams.Length - 1 do
        let stream = world.Streams[index]

        match stream.Request with
        | Request.None -> ()
        | Request.Holding completion -> KernelStep.Posts index, post index completion world
        | Request.Issued
        | Request.Polling ->
            yield! issue index world

            if stream.CancelAsked then
                KernelStep.Cancels index,
                post index (completion index (Errno.toResult Errno.ECANCELED) CqeFlags.None) world

    if world.Config.GivesUp && visible world > 0 then
        let entry = entryAt world.KernelHead world
        if entry.Start > 0 then KernelStep.GivesUpRest, pass world
]
