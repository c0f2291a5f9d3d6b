// Draws measured figures as groups of bars, so that a run can be looked at. Longer is better; nothing is left out, and
// every bar starts at zero.
module Uring.Benchmarks.Chart

open System.IO
open System.Globalization
open System.Net

let private left = 150.0
let private span = 420.0
let private line = 22.0

let private number (value: float) = value.ToString("0.#", CultureInfo.InvariantCulture)

let private text x y (words: string) =
    $"""<text x="{number x}" y="{number y}">{WebUtility.HtmlEncode words}</text>"""

/// Each group is a heading with its bars: name, length, and what is written at its end.
let save (name: string) (title: string) (groups: (string * (string * float * string) list) list) =
    let longest = groups |> List.collect snd |> List.map (fun (_, length, _) -> length) |> List.max

    let rows = [
        for heading, bars in groups do
            Choice1Of2 heading

            for index, bar in List.indexed bars do
                Choice2Of2(index, bar)
    ]

    let drawn = [
        for index, row in List.indexed rows do
            let y = line * float (index + 2)

            match row with
            | Choice1Of2 heading -> text 8.0 (y + 18.0) heading
            | Choice2Of2(order, (label, length, note)) ->
                let width = span * length / longest
                let colour = if order = 0 then "#3366aa" else "#a8b4c4"
                text 24.0 (y + 15.0) label

                $"""<rect x="{number left}" y="{number (y + 2.0)}" width="{number width}" height="18" fill="{colour}"/>"""

                text (left + width + 6.0) (y + 15.0) note
    ]

    let height = number (line * float (rows.Length + 3))

    let svg = [
        $"""<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{height}" font-family="sans-serif" font-size="12">"""
        """<rect width="100%" height="100%" fill="white"/>"""
        text 8.0 24.0 title
        yield! drawn
        "</svg>"
    ]

    File.WriteAllLines(Path.Combine("artifacts", "bench", name + ".svg"), svg)
