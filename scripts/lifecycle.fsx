// How an operation, a stream and a line of sends live, as diagrams: `dotnet fsi scripts/lifecycle.fsx -- --only multishot`.
// Shows a pure model at work: nothing here is drawn by hand. Every event is applied to every state that can be reached,
// and what the model's functions answer is what is printed, as Mermaid.

#load "shared.fsx"
#load "machines/reach.fs"
#load "machines/diagram.fs"
#load "machines/operation.fs"

open Argu
open Uring.Machines

[<RequireQualifiedAccess>]
type Machine =
    | Lifecycle
    | Multishot
    | SendLine

type Arguments =
    | Only of Machine

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Only _ ->
                "print one of them: lifecycle, an operation; multishot, a stream; or sendline, leases that are sent."

let diagramOf machine =
    match machine with
    | Machine.Lifecycle -> Diagram.fenced Operation.operation
    | Machine.Multishot -> Diagram.fenced Operation.stream
    | Machine.SendLine -> Diagram.fenced Operation.sendLine

let arguments = Shared.arguments<Arguments>()

let wanted =
    match arguments.TryGetResult Only with
    | Some machine -> [ machine ]
    | None -> [ Machine.Lifecycle; Machine.Multishot; Machine.SendLine ]

for machine in wanted do
    printfn "%s" (diagramOf machine)
