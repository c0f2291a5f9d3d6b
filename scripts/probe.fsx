// What this kernel's io_uring offers, and what Uring makes of it: `dotnet fsi scripts/probe.fsx -- --opcodes`.
// Shows the plan: a ring is asked for with the newest flags, each refusal leads one rung down the ladder of
// Model/Features.fs, and what came of it is an ordinary value that programs can read.

#load "shared.fsx"

open System
open System.IO
open Argu
open Uring.Driver
open Uring.FSharp
open Uring.Model

type Arguments =
    | Opcodes

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Opcodes -> "also list every operation and the first kernel that has it."

let arguments = Shared.arguments<Arguments>()

let say (label: string) (text: string) = printfn "%-12s%s" label text

/// Many words under one label.
let sayAll label (words: string seq) =
    words
    |> Seq.chunkBySize 6
    |> Seq.iteri (fun index line -> say (if index = 0 then label else "") (String.Join("  ", line)))

/// The names of the bits that are set.
let names (flags: 'Flags :> Enum) =
    Enum.GetValues<'Flags>()
    |> Seq.filter (fun flag -> Convert.ToUInt32 flag <> 0u && flags.HasFlag flag)
    |> Seq.map string

let describeWake wake =
    match wake with
    | Wake.SendMessage -> "one register call, SEND_MSG_RING (6.13)"
    | Wake.MessageRing -> "MSG_RING through a second small ring (5.18)"
    | Wake.Poll -> "none: the loop looks up every millisecond"

let setting name =
    let path = $"/proc/sys/kernel/{name}"
    if File.Exists path then (File.ReadAllText path).Trim() else "absent"

/// What the library uses where it can, and the first kernel that has it. Not every ability can be asked for: such a
/// one is known by an operation that came with the same release.
let abilities (plan: Plan) (pool: Result<BufferPool, exn>) = [
    let can opcode = Features.supports opcode plan
    "one submission accepts many connections", "5.19", can Opcode.Socket
    "buffers that the kernel picks as data comes", "5.19", Result.isOk pool
    "one submission receives many times", "6.0", can Opcode.SendZeroCopy
    "completions only when the loop asks for them", "6.1", Features.has SetupFlags.DeferTaskrun plan.Setup
    "the ring sets the length of files", "6.9", can Opcode.Truncate
    "the ring binds sockets and listens", "6.11", can Opcode.Bind && can Opcode.Listen
]

let describe (plan: Plan) wake pool =
    let opcodes = Enum.GetValues<Opcode>()
    let supported = opcodes |> Array.filter (fun opcode -> Features.supports opcode plan)
    let rung = 1 + List.findIndex ((=) plan.Setup.Flags) Features.ladder

    say "kernel" $"""Linux {setting "osrelease"}, io_uring_disabled = {setting "io_uring_disabled"}"""
    say "ring" $"{plan.Setup.Entries} submissions, {plan.Setup.Completions} completions"
    say "ladder" $"rung {rung} of {Features.ladder.Length}"
    sayAll "flags" (names plan.Setup.Flags)
    sayAll "features" (names plan.Features)
    say "wake" (describeWake wake)

    say
        "operations"
        $"{supported.Length} of the {opcodes.Length} that Uring knows; the newest is {Array.last supported}"

    for index, (ability, since, used) in Seq.indexed (abilities plan pool) do
        let answer = if used then "yes" else "no"
        say (if index = 0 then "in use" else "") $"%-4s{answer}%-46s{ability}Linux {since}"

    if arguments.Contains Opcodes then
        for opcode in opcodes do
            let answer = if Features.supports opcode plan then "yes" else "no"
            say $"{int opcode, 4}" $"%-4s{answer}%-24s{opcode.ToString()}Linux {Catalogue.since opcode}"

let probe =
    uring {
        let! loop = Uring.loop
        let! pool = Uring.catch (Socket.bufferPool 1 4096)
        describe loop.Plan loop.Wake pool
    }

Shared.main probe
