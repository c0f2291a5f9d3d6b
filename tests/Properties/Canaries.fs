// Plants one bug at a time in the machine that the explorer runs. A canary passes when the alarm rings: it shows that
// the explorer would have noticed. What it says, and the way there, is part of the output.
module Uring.Laws.Canaries

open Expecto
open Uring.Model
open Uring.Laws.ExplorerConfigurations
open Uring.Laws.ExplorerMachine
open Uring.Laws.ExplorerSearch
open Uring.Laws.ExplorerWorld

let private ranOut result = result = Errno.toResult Errno.ENOBUFS

/// Where, what is replaced, and what the alarm says.
let private canaries = [
    "a part is released twice",
    plain |> incremental,
    {
        real with
            Release =
                fun store id ->
                    let struct (store, first) = BufferGroup.release store id
                    let struct (store, second) = BufferGroup.release store id
                    struct (store, (if first = BufferVerdict.Return then first else second))
    },
    "is released"

    "the tail is stored before the entry is written",
    plain |> buffers 3,
    {
        real with
            Commit = fun ring -> BufferRing.commit { ring with Written = ring.Written + 1us }
    },
    "was not written"

    "a buffer is leaked on ENOBUFS: what is queued is dropped",
    plain |> buffers 1,
    {
        real with
            Keep = fun verdict items -> if verdict = StreamVerdict.Starve then [] else items
    },
    "leases"

    "ENOBUFS is read as if it named a buffer",
    plain |> buffers 2,
    {
        real with
            BufferOf = fun it -> if ranOut it.Result then ValueSome 0us else Completion.bufferId it
    },
    "Violation"

    "a buffer is leaked on cancel: nobody gives back what an abandoned stream still gets",
    plain |> endings,
    { real with Discard = fun store _ -> struct (store, BufferVerdict.Keep) },
    "leases"

    "a buffer is leaked on EOF: it came with no bytes",
    plain |> endsWithBuffer,
    {
        real with
            BufferOf = fun it -> if it.Result = 0 then ValueNone else Completion.bufferId it
    },
    "not the kernel's"

    "what is queued is dropped at the end of file",
    plain,
    {
        real with
            Keep = fun verdict items -> if verdict = StreamVerdict.EndOfStream then [] else items
    },
    "leases"

    "a bundle is counted short: only its first buffer",
    plain |> bundles,
    {
        real with
            Take =
                fun ring store id bytes more ->
                    let struct (ring, store, verdict, part) = BufferGroup.take ring store id bytes more
                    struct (ring, store, verdict, { part with Left = 0 })
    },
    "expects byte"

    "the offset of a part is wrong: it starts where the buffer does",
    plain |> incremental,
    {
        real with
            Take =
                fun ring store id bytes more ->
                    let struct (ring, store, verdict, part) = BufferGroup.take ring store id bytes more
                    struct (ring, store, verdict, { part with Start = 0 })
    },
    "expects byte"

    "the lease of a part is ignored: the first release returns the buffer",
    plain |> incremental,
    {
        real with
            Release =
                fun store id ->
                    let buffer = { store.Buffers[id] with Owner = Owner.Returning; Leases = 0 }

                    struct ({ store with Buffers = Array.updateAt id buffer store.Buffers },
                            BufferVerdict.Return)
    },
    "are the kernel's"

    "a buffer goes back to the ring while it is leased",
    plain |> incremental,
    {
        real with
            Take =
                fun ring store id bytes more ->
                    let struct (ring, store, verdict, part) = BufferGroup.take ring store id bytes more
                    let buffer = { store.Buffers[id] with Leases = 1 }

                    struct (ring,
                            { store with Buffers = Array.updateAt id buffer store.Buffers },
                            verdict,
                            part)
    },
    "leases"

    "a rest that was given up is not passed over",
    plain |> givesUp,
    { real with PassOver = fun ring store _ -> struct (ring, store, -1) },
    "never comes to rest"

    "a stream is armed again without a buffer",
    plain |> buffers 1,
    {
        real with
            End =
                fun result flow ->
                    if ranOut result then
                        struct ({ flow with Phase = StreamPhase.Armed }, StreamVerdict.Arm)
                    else
                        Multishot.ended Source.Bytes result flow
    },
    "without a buffer"

    "a starving stream is never fed",
    plain,
    { real with MayFeed = fun _ _ _ -> false },
    "waits for ever: Starving"

    "a starving stream is fed only when many buffers are there",
    plain,
    { real with MayFeed = fun available _ supply -> available > supply.LowWater + 1 },
    "waits for ever: Starving"

    "pausing loses the queued items",
    plain |> buffers 3,
    {
        real with
            Keep = fun verdict items -> if verdict = StreamVerdict.Park then [] else items
    },
    "leases"

    "a stream that pauses is armed again while enough is queued",
    plain |> incremental,
    {
        real with
            End =
                fun result flow ->
                    if ranOut result then
                        struct ({ flow with Phase = StreamPhase.Starving }, StreamVerdict.Starve)
                    else
                        Multishot.ended Source.Bytes result flow
    },
    "results wait"

    "a paused stream is forgotten",
    plain |> buffers 3,
    {
        real with
            Consume = fun flow -> struct ({ flow with Queued = flow.Queued - 1 }, StreamVerdict.Nothing)
    },
    "waits for ever: Paused"

    "the data of the last completion is dropped",
    plain,
    {
        real with
            BufferOf = fun it -> if Completion.more it then Completion.bufferId it else ValueNone
    },
    "expects byte"

    "an abandoned stream is delivered to", plain |> endings, { real with Abandon = id }, "for nobody"

    "a stream that is stopped is armed again",
    plain |> endings,
    { real with Stop = fun flow -> struct (flow, StreamVerdict.AskKernel) },
    "after it was stopped"

    "the pool grows beyond its limit",
    plain |> growing,
    { real with ToAdd = fun supply -> supply.Step },
    "larger than its limit"

    "an operation ends with its first completion",
    plain,
    { real with Complete = fun _ -> Lifecycle.completed false false },
    "without an operation"
]

[<Tests>]
let tests =
    testList "Canaries" [
        for name, config, machine, text in canaries do
            test name {
                match explore machine config with
                | Ok report -> failtestf "no alarm in %d states of %s" report.States config.Name
                | Error failure ->
                    printfn "%s: after %d steps, %s" name failure.Way.Length failure.Text
                    Expect.stringContains failure.Text text "the alarm"
            }
    ]
