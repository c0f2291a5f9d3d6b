// Runs the benchmarks: Uring.Benchmarks [case] --controls <folder of the compiled C controls>.
module Uring.Benchmarks.Main

open System

[<EntryPoint>]
let main arguments =
    Console.Error.WriteLine("no benchmark yet: " + String.Join(' ', arguments))
    2
