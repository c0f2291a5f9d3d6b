// Finds every state that a machine can reach. Knows no machine. The law files use it, and the scripts that draw diagrams.
module Uring.Machines.Reach

open System.Collections.Generic

/// All states that some sequence of events leads to, the start included; states of the same key are one state. When
/// there are more than `most`, one of those that were not visited.
let statesBy
    (keyOf: 'State -> 'Key)
    most
    (start: 'State list)
    (events: 'State -> 'Event list)
    (next: 'State -> 'Event -> 'State)
    : Result<'State list, 'State> =
    let seen = Dictionary<'Key, 'State>(HashIdentity.Structural)
    let isNew state = seen.TryAdd(keyOf state, state)

    let rec visit frontier =
        match frontier with
        | [] -> Ok(List.ofSeq seen.Values)
        | state :: _ when seen.Count > most -> Error state
        | _ ->
            frontier
            |> List.collect (fun state -> events state |> List.map (next state) |> List.filter isNew)
            |> visit

    start |> List.filter isNew |> visit
