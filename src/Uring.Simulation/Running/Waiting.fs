// Who waits for what: for the report of a run that is stuck.
namespace Uring.Simulation.Running

open System
open Uring.Simulation.Kernel

[<RequireQualifiedAccess>]
module internal Waiting =

    let private on (request: KernelRequest) =
        match request.File with
        | null -> ""
        | file -> $" on {file.Name}"

    /// The operations in flight on every open ring of a machine.
    let tell (machine: Machine) : string =
        let waiting = [
            for number, _ in machine.Descriptors.Open do
                match machine.Descriptors.Find number with
                | :? KernelRing as ring ->
                    for request in ring.InFlight do
                        $"{request.Opcode}{on request}, {request.Stage}, ring {number}"
                | _ -> ()
        ]

        if waiting.IsEmpty then
            "No operation is in flight: a task waits for something that nobody will do, or for something outside of the simulation (a real timer, a pool thread)."
        else
            "In flight: " + String.Join("; ", waiting) + "."
