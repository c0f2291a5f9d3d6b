// Runs every test of this assembly; the exit code is Expecto's.
module Uring.Tests.Linux.Main

open Expecto

[<EntryPoint>]
let main arguments = runTestsInAssemblyWithCLIArgs [] arguments
