// Virtual time: what is to happen, and when. Time passes only when nothing can run now.
namespace Uring.Simulation.World

open System.Collections.Generic
open Uring.Simulation

/// Something that will happen.
type internal Event(name: string, action: unit -> unit) =
    /// What a deadlock report calls it.
    member _.Name = name
    member val IsCancelled = false with get, set
    /// It will not happen.
    member this.Cancel() = this.IsCancelled <- true
    member _.Happen() = action ()

/// The clock and the events of one simulation, in nanoseconds since its start.
///
///   After --> waiting --its time has come--> due --TryStep--> happens
///               |                             |
///               +----------- Cancel ----------+--> never
///
/// Laws
///  1. what was not cancelled happens once, at its time
///  2. what was cancelled before its turn does not happen
///  3. time never goes back, and passes only when nothing is due
///  4. events of one time happen in the order in which they were asked for, unless reordering strikes
///  5. a limit is not passed: without an event before it, time is at the limit
///  6. the end of time never comes: the longest delay is for ever
[<Sealed>]
type internal Timeline(choices: Choices) =
    let events = PriorityQueue<Event, struct (int64 * int64)>()
    // Due now, in their order: the reordering fault picks another than the first.
    let due = List<Event>()
    let mutable now = 0L
    let mutable sequence = 0L

    let rec takeDue () =
        let mutable event = Unchecked.defaultof<Event>
        let mutable key = Unchecked.defaultof<struct (int64 * int64)>

        if events.TryPeek(&event, &key) then
            let struct (time, _) = key

            if time <= now then
                events.Dequeue() |> ignore

                if not event.IsCancelled then due.Add event

                takeDue ()

    /// The time of the next event that was not cancelled.
    let rec nextTime () =
        let mutable event = Unchecked.defaultof<Event>
        let mutable key = Unchecked.defaultof<struct (int64 * int64)>

        if not (events.TryPeek(&event, &key)) then
            ValueNone
        elif event.IsCancelled then
            events.Dequeue() |> ignore
            nextTime ()
        else
            let struct (time, _) = key
            ValueSome time

    /// Nanoseconds since the start.
    member _.Now = now

    /// Makes something happen after `delay` nanoseconds (0: soon, but not now).
    member _.After(delay: int64, name: string, action: unit -> unit) : Event =
        let event = Event(name, action)
        sequence <- sequence + 1L
        // Past the end of time is never: a timer of TimeSpan.MaxValue.
        let time = if delay >= System.Int64.MaxValue - now then System.Int64.MaxValue else now + max 0L delay
        events.Enqueue(event, struct (time, sequence))
        event

    /// An event is due now, if it is not cancelled before its turn.
    member _.IsDue =
        due.Count > 0
        || (match nextTime () with
            | ValueSome time -> time <= now
            | ValueNone -> false)

    /// Lets one event happen that is due now. False when none is.
    member _.TryStep() =
        takeDue ()
        due.RemoveAll(fun event -> event.IsCancelled) |> ignore

        if due.Count = 0 then
            false
        else
            let index = choices.First due.Count
            let event = due[index]
            due.RemoveAt index
            event.Happen()
            true

    /// Nothing of what was to happen will happen: the power is off.
    member _.Clear() =
        events.Clear()
        due.Clear()

    /// When the next event is due; the end of time when there is none.
    member _.Next = ValueOption.defaultValue System.Int64.MaxValue (nextTime ())

    /// Time has passed outside, where a simulation cannot stop it: among real threads.
    member _.Follow(time: int64) = now <- max now time

    /// Jumps to the next event. False when there is none, or none before `limit` (then time is at the limit).
    member _.TryAdvance(limit: int64) =
        due.RemoveAll(fun event -> event.IsCancelled) |> ignore

        match nextTime () with
        | _ when due.Count > 0 -> true
        | ValueSome time when time <= limit && time < System.Int64.MaxValue ->
            now <- max now time
            true
        | ValueSome _
        | ValueNone ->
            if limit < System.Int64.MaxValue then now <- max now limit

            false

    /// Jumps to the next event. False when there is none.
    member this.TryAdvance() = this.TryAdvance System.Int64.MaxValue
