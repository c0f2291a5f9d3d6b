// Turns a machine's functions into a state diagram: applies every event to every state that can be reached. Knows no
// machine, and Mermaid only as text. See https://mermaid.js.org/syntax/stateDiagram.html.
module Uring.Machines.Diagram

/// One machine. Its states are many, its phases are what is drawn.
type Machine<'State, 'Event when 'State: equality> = {
    Title: string
    Start: 'State list
    /// What can happen in a state, and how it is called.
    Events: 'State -> ('Event * string) list
    /// The next state, and the verdict.
    Apply: 'State -> 'Event -> 'State * string
    PhaseOf: 'State -> string
    /// Verdicts that have nothing to do.
    Quiet: string list
}

/// What is drawn: an arrow, as often as it has another label.
type Arrow = { From: string; To: string; Label: string }

/// More states than this, and the machine has no end.
[<Literal>]
let private Most = 20_000

let private arrowsOf machine =
    let next state (event, _) = fst (machine.Apply state event)

    match Reach.statesBy id Most machine.Start machine.Events next with
    | Error state -> invalidOp $"%s{machine.Title} has too many states: %A{state}"
    | Ok states ->
        [
            for state in states do
                for event, name in machine.Events state do
                    let after, verdict = machine.Apply state event
                    let isQuiet = List.contains verdict machine.Quiet

                    let arrow = {
                        From = machine.PhaseOf state
                        To = machine.PhaseOf after
                        Label = if isQuiet then name else $"{name} / {verdict}"
                    }

                    // What changes nothing and asks for nothing is not worth an arrow.
                    if not isQuiet || arrow.From <> arrow.To then arrow
        ]
        |> List.distinct
        |> List.groupBy _.From
        |> List.collect snd

/// The diagram, as Mermaid.
let mermaid machine =
    let first = machine.PhaseOf machine.Start.Head

    [
        "stateDiagram-v2"
        $"    [*] --> {first}"

        for arrow in arrowsOf machine do
            $"    {arrow.From} --> {arrow.To}: {arrow.Label}"
    ]
    |> String.concat "\n"

/// A fenced block for a Markdown page, under its title.
let fenced machine = $"### {machine.Title}\n\n```mermaid\n{mermaid machine}\n```\n"
