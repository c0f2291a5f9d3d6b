// Says which chains a ring can take, and begins them. Decides about rings that share a submitting thread: that thread takes
// at most eight submissions of each at a time (6.18, io_sq_thread), and a chain ends where a batch does.
namespace Uring.Driver

open System
open System.Threading
open Uring.Model

[<Sealed>]
type internal Chaining(ring: Ring, inFlight: InFlight) =
    let mutable isShared = Features.has SetupFlags.Attach ring.Plan.Setup

    /// From any thread: the steps with their flags, or why this ring cannot take them.
    member _.Steps(chain: Chain<Request>) : struct (Request * SqeFlags) array =
        let steps = Chain.flags chain |> List.toArray

        if steps.Length > int ring.Plan.Setup.Entries then
            raise (
                ArgumentException(
                    "A chain is submitted at once, and this one has more steps than the ring has entries. Shorten the chain, or make the ring larger.",
                    nameof chain
                )
            )

        if Volatile.Read &isShared && steps.Length > 1 then
            raise (
                NotSupportedException
                    "This ring shares its submitting thread, which takes a few submissions of each ring at a time and would cut a chain in two. Use a ring with a thread of its own, or await one operation after another."
            )

        steps

    /// All together or not at all: false when there is no room yet.
    member _.TryBegin(operations: Operation array, flags: SqeFlags array) =
        inFlight.TryBeginChain(operations, flags)

    /// From any thread: what another ring asks for that shares this one's submitting thread.
    member _.LendSubmitter() : RingWishes =
        if not (Features.has SetupFlags.SubmissionPolling ring.Plan.Setup) then
            raise (
                InvalidOperationException
                    "This ring has no submitting thread that another could share: make it with IORING_SETUP_SQPOLL."
            )

        Volatile.Write(&isShared, true)

        {
            RingSetup.nothing with
                Asked = SetupFlags.SubmissionPolling ||| SetupFlags.Attach
                SharedWith = ring.Descriptor
        }
