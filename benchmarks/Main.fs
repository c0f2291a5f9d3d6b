// Runs the benchmarks: Uring.Benchmarks [case] --controls <folder of the compiled C controls>.
module Uring.Benchmarks.Main

let private cases: (string * (string -> unit)) list = [ "nop", Nop.bench; "reads", Reads.bench ]

[<EntryPoint>]
let main arguments =
    let controls =
        arguments
        |> Array.tryFindIndex ((=) "--controls")
        |> Option.map (fun index -> arguments[index + 1])
        |> Option.defaultValue "artifacts/controls"

    let wanted =
        arguments
        |> Array.filter (fun argument -> argument <> "--controls" && argument <> controls)
        |> Array.toList

    match wanted |> List.filter (fun name -> not (List.exists (fst >> (=) name) cases)) with
    | unknown :: _ ->
        eprintfn
            "There is no benchmark '%s'. There are: %s."
            unknown
            (cases |> List.map fst |> String.concat ", ")

        2
    | [] ->
        for name, bench in cases do
            if wanted.IsEmpty || List.contains name wanted then bench controls

        0
