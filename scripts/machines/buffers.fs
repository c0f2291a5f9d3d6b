// The machines of one buffer and of one lease, as Model/BufferRing and Model/Lease have them.
// Knows what can happen when; what comes of it, the model says.
module Uring.Machines.Buffers

open Uring.Model
open Uring.Machines.Diagram

/// One buffer of two bytes in a ring of one entry.
type RingState = { Ring: BufferRing; Buffer: Buffer }

type BufferEvent =
    | Publish
    | Select of bytes: int * more: bool
    | Pass
    | Release

[<Literal>]
let private Size = 2

let private ringEvents state = [
    let buffer = state.Buffer
    let rest = Size - buffer.Offset

    match buffer.Owner with
    | Owner.Returning -> Publish, "published"
    | Owner.Kernel ->
        Select(rest, false), "selected"
        if rest > 1 then Select(1, true), "selected, BUF_MORE"
        Pass, (if buffer.Leases > 0 then "passed over, leased" else "passed over, not leased")
    | Owner.Application -> ()

    if buffer.Leases > 0 then
        Release, (if buffer.Leases = 1 then "last lease released" else "a lease released")
]

/// Written, committed and settled at once: this is the buffer's story, not the ring's.
let private settled (ring: BufferRing) buffer =
    let struct (ring, _) = BufferRing.commit ring
    let isBack = BufferRing.isBack ring.Head ring buffer
    let ring = if isBack then BufferRing.settledAt (ring.Head + 1us) ring else ring
    // Where it was makes no difference.
    let back position = position - ring.Head

    {
        Ring = { ring with Head = 0us; Tail = back ring.Tail; Written = back ring.Written }
        Buffer = {
            buffer with
                Position = if buffer.Owner = Owner.Kernel then back buffer.Position else 0us
        }
    }

/// A buffer that is given to the kernel, as a value.
let publish ring length (buffer: Buffer) =
    match BufferRing.publish ring buffer.Owner with
    | struct (next, BufferVerdict.Write) ->
        struct (next, BufferRing.published ring length, BufferVerdict.Write)
    | struct (next, verdict) -> struct (next, buffer, verdict)

let private applyRing state event =
    let struct (ring, buffer, verdict) =
        match event with
        | Publish -> publish state.Ring Size state.Buffer
        | Select(bytes, more) -> BufferRing.selected state.Ring state.Buffer bytes more
        | Pass -> BufferRing.passed state.Ring state.Buffer
        | Release ->
            let struct (buffer, verdict) = BufferRing.released state.Buffer
            struct (state.Ring, buffer, verdict)

    settled ring buffer, $"%A{verdict}"

let buffer = {
    Title = "BufferRing"
    Start = [ { Ring = BufferRing.create 1; Buffer = BufferRing.fresh } ]
    Events = ringEvents
    Apply = applyRing
    PhaseOf = fun state -> $"%A{state.Buffer.Owner}"
    Quiet = [ "Ignore" ]
}

type LeaseEvent =
    | Open
    | Hold
    | Join
    | Close
    | Pass
    | Drop

/// The handle of the present use, and others who hold it: as many as are needed to tell the last from the others.
let private leaseEvents (lease: Lease) = [
    let others = lease.Holds - (if lease.IsOpen then 1 else 0)

    if lease.Holds = 0 then
        Open, "opened"
    else
        if others < 2 then
            Hold, "held by way of the handle"
            Join, "joined by a holder"

        Close, "closed"
        if lease.IsOpen then Pass, "passed on to an operation"
        if others > 0 then Drop, "a hold dropped"
]

let private applyLease (lease: Lease) event =
    let struct (after, verdict) =
        match event with
        // The same version again: which use it is makes no difference to its phases.
        | Open ->
            let opened = Lease.opened lease
            struct (Lease.pack 0 opened.IsOpen opened.Holds, LeaseVerdict.Grant)
        | Hold -> Lease.held lease.Version lease
        | Join -> Lease.joined lease
        | Close -> Lease.close lease.Version lease
        | Pass -> Lease.passed lease.Version lease
        | Drop -> Lease.dropped lease

    after, $"%A{verdict}"

let lease = {
    Title = "Lease"
    Start = [ Lease.closed ]
    Events = leaseEvents
    Apply = applyLease
    PhaseOf =
        fun lease ->
            if lease.IsOpen then "Open"
            elif lease.Holds > 0 then "Lingering"
            else "Closed"
    Quiet = []
}
