/// The samples, as their README starts them: each finds its bug, and nothing in the version beside it.
module Uring.Tests.Simulation.SampleTests

open Expecto

let private findsItsBug sample =
    testCaseTask $"{sample} finds the careless compaction, and nothing in the careful one" (fun () ->
        task {
            use running = Started.start [ $"artifacts/bin/{sample}/release/{sample}.dll" ]
            let! struct (exitCode, said) = Started.finish running
            Expect.equal exitCode 0 said
            Expect.stringContains said "careless: fails with seed" "the bug"
            // The data, and no rule of the simulation: the program is to blame, not what it runs on.
            Expect.stringContains said "The program failed: InvalidDataException: 'key " "what was lost"
            Expect.stringContains said "careful: survived 2000 power losses" "its repair"
        })

[<Tests>]
let tests = testList "Samples" [ findsItsBug "KeyValue.FSharp"; findsItsBug "KeyValue.CSharp" ]
