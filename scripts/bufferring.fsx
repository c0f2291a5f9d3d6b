// Who owns a buffer, and who holds a lease, as diagrams: `dotnet fsi scripts/bufferring.fsx -- --only lease`.
// Shows a pure model at work: nothing here is drawn by hand. Every event is applied to every state that can be reached,
// and what the model's functions answer is what is printed, as Mermaid.

#load "shared.fsx"
#load "machines/reach.fs"
#load "machines/diagram.fs"
#load "machines/buffers.fs"

open Argu
open Uring.Machines

[<RequireQualifiedAccess>]
type Machine =
    | BufferRing
    | Lease

type Arguments =
    | Only of Machine

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Only _ ->
                "print one of the two: bufferring, a buffer; or lease, what the application holds of it."

let diagramOf machine =
    match machine with
    | Machine.BufferRing -> Diagram.fenced Buffers.buffer
    | Machine.Lease -> Diagram.fenced Buffers.lease

let arguments = Shared.arguments<Arguments>()

let wanted =
    match arguments.TryGetResult Only with
    | Some machine -> [ machine ]
    | None -> [ Machine.BufferRing; Machine.Lease ]

for machine in wanted do
    printfn "%s" (diagramOf machine)
