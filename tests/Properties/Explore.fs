// Visits every state that a machine can reach. Knows no machine. Used by the law files of the state machines.
module Uring.Laws.Explore

open System.Collections.Generic
open Expecto

/// A machine that reaches more states than this has lost a bound that its laws promise.
[<Literal>]
let private MostStates = 50_000

/// All states that some sequence of events leads to, the start included. States of the same key are one state.
let statesBy
    (keyOf: 'State -> 'Key)
    (start: 'State list)
    (events: 'State -> 'Event list)
    (next: 'State -> 'Event -> 'State)
    =
    let seen = Dictionary<'Key, 'State>(HashIdentity.Structural)
    let isNew state = seen.TryAdd(keyOf state, state)

    let rec visit frontier =
        if seen.Count > MostStates && not (List.isEmpty frontier) then
            failtestf "more than %d states, among them %A" MostStates (List.head frontier)

        if not (List.isEmpty frontier) then
            frontier
            |> List.collect (fun state -> events state |> List.map (next state) |> List.filter isNew)
            |> visit

    start |> List.filter isNew |> visit
    List.ofSeq seen.Values

/// All states that some sequence of events leads to, the start included.
let states start events next = statesBy id start events next

/// Fails with the first transition that breaks the law, and when there were too few of them to mean anything.
let expectAll atLeast (law: 'Transition -> bool) (transitions: 'Transition list) =
    Expect.isGreaterThan (List.length transitions) atLeast "transitions visited"

    match List.tryFind (law >> not) transitions with
    | Some transition -> failtestf "broken by %A" transition
    | None -> ()
