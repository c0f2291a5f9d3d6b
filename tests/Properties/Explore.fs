// Visits every state that a machine can reach. Knows no machine. Used by the law files of the state machines.
module Uring.Laws.Explore

open Expecto
open Uring.Machines

/// A machine that reaches more states than this has lost a bound that its laws promise.
[<Literal>]
let private MostStates = 50_000

/// All states that some sequence of events leads to, the start included. States of the same key are one state.
let statesBy keyOf start events next =
    match Reach.statesBy keyOf MostStates start events next with
    | Ok states -> states
    | Error state -> failtestf "more than %d states, among them %A" MostStates state

/// All states that some sequence of events leads to, the start included.
let states start events next = statesBy id start events next

/// Fails with the first transition that breaks the law, and when there were too few of them to mean anything.
let expectAll atLeast (law: 'Transition -> bool) (transitions: 'Transition list) =
    Expect.isGreaterThan (List.length transitions) atLeast "transitions visited"

    match List.tryFind (law >> not) transitions with
    | Some transition -> failtestf "broken by %A" transition
    | None -> ()
