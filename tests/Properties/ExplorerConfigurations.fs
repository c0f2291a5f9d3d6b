// Decides which worlds are explored, each small enough to be explored whole, and that together they see everything.
// The laws' numbers are those of Model/BufferRing, BufferGroup, Multishot and Lifecycle; Canaries.fs shows that the
// alarms ring.
module Uring.Laws.ExplorerConfigurations

open Expecto
open Uring.Laws.ExplorerWorld
open Uring.Laws.ExplorerSearch

/// One stream, two buffers of two bytes, four bytes and the end of file.
let plain = {
    Name = "plain"
    Streams = 1
    Bytes = 4
    Ending = EndOfFile
    QueueLimit = 2
    Buffers = 2
    FirstBuffers = 2
    Size = 2
    Incremental = false
    Bundles = false
    Overflows = true
    GivesUp = false
    IsLate = false
    EndsWithBuffer = false
    Stops = false
    Leaves = false
    Disposes = false
}

let named name config = { config with Name = $"{config.Name}, {name}" }

let buffers count config =
    let text = if count = 1 then "1 buffer" else $"{count} buffers"
    named text { config with Buffers = count; FirstBuffers = count }

/// As many bytes as four buffers hold without a rest, and more.
let long config = named "6 bytes" { config with Bytes = 6 }
let incremental config = named "incremental" { config with Incremental = true }
let bundles config = named "bundles" { config with Bundles = true }
let stops config = named "stop" { config with Stops = true }
let leaves config = named "leave" { config with Leaves = true }
let endings config = config |> stops |> leaves
let disposed config = named "dispose" { config with Disposes = true }
let two config = named "2 streams" { config with Streams = 2; Bytes = 2 }
let reset config = named "reset" { config with Ending = Reset }
let silent config = named "silence" { config with Ending = Silence }
let calm config = named "no overflow" { config with Overflows = false }
let late config = named "late completions" { config with IsLate = true }
let endsWithBuffer config = named "a buffer at the end" { config with EndsWithBuffer = true }
let endless config = named "endless" { config with Bytes = -1; Size = 1 }
let growing config = named "growing" { config with FirstBuffers = 1; Size = 1; QueueLimit = 4 }
let givesUp config = named "rests given up" { config with GivesUp = true; Size = 3; Incremental = true }

let private configurations = [
    for count in 1..4 do
        plain |> endings |> buffers count
        plain |> long |> endings |> incremental |> buffers count
        plain |> endings |> bundles |> buffers count
        plain |> long |> endings |> bundles |> incremental |> buffers count

    for count in 1..3 do
        plain |> two |> buffers count
        plain |> two |> incremental |> buffers count
        plain |> two |> bundles |> incremental |> buffers count

    plain |> endings |> disposed |> endsWithBuffer |> buffers 2
    plain |> endings |> reset |> incremental |> buffers 2
    plain |> endings |> silent |> bundles |> buffers 3
    plain |> endings |> buffers 3 |> growing
    plain |> endings |> givesUp |> buffers 2
    plain |> endings |> endless |> buffers 2
    plain |> two |> givesUp |> calm |> buffers 2
    plain |> two |> late |> buffers 2
    plain |> two |> buffers 2 |> growing
    plain |> two |> disposed |> buffers 2
    plain |> two |> disposed |> bundles |> incremental |> buffers 2
    plain |> two |> stops |> calm |> reset |> incremental |> buffers 2
    plain |> two |> leaves |> calm |> late |> buffers 2
    plain |> endless |> buffers 3
]

let private explored =
    configurations |> List.map (fun config -> config, lazy (explore ExplorerMachine.real config))

/// The report, or a failed test that shows the shortest way to the alarm.
let private expectReport (outcome: Lazy<Result<Report, Failure>>) =
    match outcome.Value with
    | Ok report -> report
    | Error failure ->
        failtestf "%s, after\n%s" failure.Text (String.concat "\n" (List.map string failure.Way))

[<Tests>]
let tests =
    testList "Explorer" [
        for config, outcome in explored do
            test config.Name {
                let report = expectReport outcome
                printfn "%-60s %7d states, %7d transitions" config.Name report.States report.Transitions
                Expect.isGreaterThan report.States 300 "states"
                Expect.isTrue (report.Rests > 0 || config.Bytes < 0) "there is a state in which all is done"
                // One buffer comes round too seldom with few bytes.
                if config.Buffers > 1 then Expect.isTrue report.Wrapped "the counters pass 2^16"
            }

        test "every step that there is was taken" {
            let reports = explored |> List.map (snd >> expectReport)
            let taken = reports |> List.map _.Steps |> Set.unionMany

            let all cases = Reflection.FSharpType.GetUnionCases cases |> Seq.map _.Name |> Set.ofSeq

            let expected = all typeof<ExplorerKernel.KernelStep> + all typeof<ExplorerApplication.AppStep>
            Expect.equal taken expected "steps"
            let sum count = List.sumBy count reports

            printfn
                "%d configurations: %d states, %d transitions, %d at rest"
                reports.Length
                (sum _.States)
                (sum _.Transitions)
                (sum _.Rests)
        }
    ]
