// A run to look at: one page of HTML that needs nothing else, or a table for a text. A column per ring and one for the
// world; an operation is a bar from its submission to its last completion, in the colour of its slot.
namespace Uring.Simulation

open System
open System.Collections.Generic
open System.Text
open Uring.Model

/// What the page shows of one line besides its words: the bars beside it, and where its operation begins and ends.
[<NoEquality; NoComparison>]
type internal Row = {
    Line: int
    Entry: Entry
    /// By ring and place: the colours of the operations in flight, or -1.
    Bars: int array array
    /// The line on which this line's operation was submitted, or -1.
    Begin: int
    /// The line of the next completion of the same operation, or -1.
    mutable Next: int
}

[<RequireQualifiedAccess>]
module internal Slots =

    /// One of twelve.
    let colour (userData: uint64) = int (UserData.slot { Bits = userData } % 12u)

/// Follows operations from line to line.
[<Sealed>]
type internal Following(lanes: int) =
    // More bars than that side by side tell nothing.
    let most = 24
    let bars = Array.init lanes (fun _ -> List<int>())
    let places = Dictionary<struct (int * uint64), int>()
    let begins = Dictionary<struct (int * uint64), int>()
    let latest = Dictionary<struct (int * uint64), Row>()

    let occupy (key: struct (int * uint64)) =
        let struct (lane, userData) = key
        let free = bars[lane].IndexOf -1

        if free >= 0 then
            bars[lane][free] <- Slots.colour userData
            places[key] <- free
        elif bars[lane].Count < most then
            places[key] <- bars[lane].Count
            bars[lane].Add(Slots.colour userData)

    let leave (key: struct (int * uint64)) =
        let struct (lane, _) = key

        match places.TryGetValue key with
        | true, place ->
            places.Remove key |> ignore
            bars[lane][place] <- -1

            while bars[lane].Count > 0 && bars[lane][bars[lane].Count - 1] = -1 do
                bars[lane].RemoveAt(bars[lane].Count - 1)
        | _ -> ()

    member _.Row(line: int, entry: Entry) : Row =
        let key = struct (entry.Lane, entry.UserData)
        let isOperation = entry.What = Happening.Submitted || entry.What = Happening.Completed

        if entry.What = Happening.Submitted then
            leave key
            latest.Remove key |> ignore
            begins[key] <- line
            // What says nothing when it succeeds has no end that we see.
            if (entry.How &&& SqeFlags.SkipSuccess) = SqeFlags.None then occupy key

        let row = {
            Line = line
            Entry = entry
            Bars = bars |> Array.map _.ToArray()
            Begin =
                match begins.TryGetValue key with
                | true, line when isOperation -> line
                | _ -> -1
            Next = -1
        }

        if isOperation then
            match latest.TryGetValue key with
            | true, before -> before.Next <- line
            | _ -> ()

            latest[key] <- row

        if entry.What = Happening.Completed && (entry.Flags &&& uint32 CqeFlags.More) = 0u then
            leave key

        // After a power loss nothing is in flight.
        if entry.What = Happening.Noted then
            places.Clear()
            bars |> Array.iter _.Clear()

        row

/// A run to look at: as a page, or as a table.
[<RequireQualifiedAccess>]
module SequenceView =

    /// A page of more lines than that is slow to open.
    let private most = 5000

    /// For HTML and XML: what neither may contain becomes a replacement character.
    let private escape (text: string) : string =
        let escaped = StringBuilder text.Length

        for rune in text.EnumerateRunes() do
            match rune.Value with
            | 38 -> escaped.Append "&amp;"
            | 60 -> escaped.Append "&lt;"
            | 62 -> escaped.Append "&gt;"
            | 34 -> escaped.Append "&quot;"
            | 39 -> escaped.Append "&#39;"
            | value when (value < 32 && value <> 9 && value <> 10) || value = 0xFFFE || value = 0xFFFF ->
                escaped.Append '\uFFFD'
            | _ -> escaped.Append(rune.ToString())
            |> ignore

        escaped.ToString()

    let private outcome (report: Report<'T>) : string =
        match report.Outcome with
        | Ok _ -> "The program ended well."
        | Error reason -> $"The program failed: {reason.GetType().Name}: {reason.Message}"

    let private counts (pairs: (Fault * 'Number) list) : string =
        match pairs with
        | [] -> "none"
        | pairs -> pairs |> List.map (fun (fault, number) -> $"{fault} {number}") |> String.concat ", "

    /// What replays it, and what came of it: label and text.
    let private facts (report: Report<'T>) : (string * string) list =
        let options = report.Options
        let rates = [ for fault in Faults.kinds -> fault, Faults.rate fault options.Faults ]
        let asked = rates |> List.filter (fun (_, rate) -> rate > 0.0)
        let spared = options.Spared.Count

        [
            "Seed", options.Seed.ToString()
            "Kernel", "Linux " + options.Kernel.Name
            "Rings", $"{options.Loop.Entries} submissions, {options.Loop.Completions} completions"
            "Faults that may strike",
            counts [ for fault, rate in asked -> fault, $"{Math.Round(rate * 100.0, 2)} %%" ]
            "Faults that struck", counts report.Struck
            (if spared > 0 then
                 "Spared", $"{spared} of {report.Drawn} faults, by their number"
             else
                 "", "")
            "Outcome", outcome report
            "Length",
            $"{report.Steps} steps, {report.Operations} operations, {report.Elapsed.TotalMilliseconds} ms of virtual time"
            "Fingerprint", $"{report.Fingerprint:x16}"
        ]
        |> List.filter (fun (label, _) -> label <> "")

    let private style =
        """
body{font:13px/1.45 system-ui,sans-serif;color:#222;background:#fff;margin:24px}
h1{font-size:19px;margin:0 0 10px}
dl{display:grid;grid-template-columns:max-content auto;gap:2px 16px;margin:0 0 14px}
dt{color:#667}dd{margin:0}
ul.broken{border:1px solid #d33;background:#fff0f0;color:#a00;padding:8px 8px 8px 26px;white-space:pre-wrap}
table{border-collapse:collapse;font:12px/1.5 ui-monospace,monospace}
th{position:sticky;top:0;background:#f2f4f7;text-align:left;padding:4px 10px;border-bottom:1px solid #ccd;z-index:1}
td{padding:0 10px;border-left:1px solid #e4e7ec;white-space:nowrap;vertical-align:top}
td.t{color:#778;text-align:right;border:0}
td.r{padding-left:4px;position:relative}
tr:hover td{background:#f7f9fc}tr:target td{background:#fff6c8}
tr.fault td{background:#fff4e0}tr.broken td{background:#ffdede;color:#a00;font-weight:bold}
i{display:inline-block;width:4px;margin-right:2px;height:1.5em;vertical-align:top}
b{font-weight:600}a{color:inherit}small{color:#778;font-size:12px}
em{font-style:normal;color:#a00}
"""

    /// Twelve colours that are apart from each other, bars and words.
    let private colours =
        String.Join(
            "",
            [
                for slot in 0..11 do
                    let hue = slot * 150 % 360
                    $"i.c{slot}{{background:hsl({hue},62%%,62%%)}}b.c{slot}{{color:hsl({hue},70%%,30%%)}}\n"
            ]
        )

    let private rowClass (entry: Entry) =
        match entry.What with
        | Happening.Struck -> " class=\"fault\""
        | Happening.Violated -> " class=\"broken\""
        // An open set: the rest is ordinary.
        | _ -> ""

    /// The words of a line, with links to where its operation began and to what comes of it.
    let private words (page: StringBuilder) (first: int) (row: Row) =
        let told = Entry.tell row.Entry
        let verb = escape told.Verb

        if row.Begin >= first && row.Begin <> row.Line then
            page.Append($"<a href=\"#l{row.Begin}\" title=\"where it was submitted\">{verb}</a> ")
        elif verb <> "" then
            page.Append(verb).Append(' ')
        else
            page
        |> ignore

        if told.Operation <> "" then
            let colour = Slots.colour row.Entry.UserData
            page.Append($"<b class=\"c{colour}\">{escape told.Operation}</b> ") |> ignore

        if told.Result <> "" then
            let tag = if Errno.isError row.Entry.Result then "em" else "span"
            page.Append($"= <{tag}>{escape told.Result}</{tag}> ") |> ignore

        if told.Note <> "" then
            let tag = if told.Operation = "" then "span" else "small"
            page.Append($"<{tag}>{escape told.Note}</{tag}>") |> ignore

        if row.Next >= 0 then
            page.Append($" <a href=\"#l{row.Next}\" title=\"what comes of it\">&#8595;</a>") |> ignore

    let private tableRow (page: StringBuilder) (first: int) (row: Row) =
        let entry = row.Entry

        page.Append($"<tr id=\"l{row.Line}\"{rowClass entry}><td class=\"t\">{Entry.time entry}</td><td>")
        |> ignore

        if entry.Lane < 0 then words page first row

        page.Append "</td>" |> ignore

        for lane in 0 .. row.Bars.Length - 1 do
            page.Append "<td class=\"r\">" |> ignore

            for colour in row.Bars[lane] do
                page.Append(if colour < 0 then "<i></i>" else $"<i class=\"c{colour}\"></i>") |> ignore

            if entry.Lane = lane then words page first row

            page.Append "</td>" |> ignore

        page.Append "</tr>\n" |> ignore

    let private head (page: StringBuilder) (report: Report<'T>) =
        let verdict = if report.IsGood then "a good run" else "a run that failed"
        let title = $"Seed {report.Options.Seed}: {verdict}"

        page
            .Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>")
            .Append($"<title>{title}</title><style>{style}{colours}</style></head>\n<body><h1>{title}</h1>\n")
        |> ignore

        if not report.Violations.IsEmpty then
            page.Append "<ul class=\"broken\">" |> ignore

            for violation in report.Violations do
                page.Append($"<li>{violation.Rule}: {escape violation.Message}</li>") |> ignore

            page.Append "</ul>\n" |> ignore

        page.Append "<dl>" |> ignore

        for label, text in facts report do
            page.Append($"<dt>{label}</dt><dd>{escape text}</dd>") |> ignore

        page.Append "</dl>\n" |> ignore

    /// One page of HTML that needs nothing else: what replays the run, what came of it, and its last 5,000 lines. Time
    /// goes down; each ring has a column, and what happens to all of them has one; each operation is a bar from its
    /// submission to its last completion. It is well-formed XML, too.
    let html (report: Report<'T>) : string =
        let trace = report.Story.Trace
        let lanes = trace.Lanes
        let first = max 0 (trace.Entries.Count - most)
        let following = Following lanes.Length
        let rows = [| for line in 0 .. trace.Entries.Count - 1 -> following.Row(line, trace.Entries[line]) |]
        let page = StringBuilder()
        head page report

        if first > 0 then page.Append $"<p>{first} lines before are left out.</p>\n" |> ignore

        page.Append "<table><thead><tr><th>&#181;s</th><th>world</th>" |> ignore

        for lane in lanes do
            page.Append($"<th>{escape lane}</th>") |> ignore

        page.Append "</tr></thead><tbody>\n" |> ignore

        for line in first .. rows.Length - 1 do
            tableRow page first rows[line]

        page.Append("</tbody></table></body></html>\n").ToString()

    /// In a cell of a Markdown table nothing may end the cell, or mean something.
    let private cell (text: string) : string =
        let text = Text.RegularExpressions.Regex.Replace(escape text, @"[\\|`*_\[\]~]", @"\$0")
        text.ReplaceLineEndings " "

    /// A Markdown table of the last `lines` lines: time in microseconds, ring, operation, result, note.
    let markdown (lines: int) (report: Report<'T>) : string =
        let trace = report.Story.Trace
        let names = Array.ofList trace.Lanes
        let entries = trace.Entries
        let table = StringBuilder "| time (µs) | ring | operation | result | note |\n|---:|---|---|---|---|\n"

        for index in max 0 (entries.Count - lines) .. entries.Count - 1 do
            let entry = entries[index]
            let told = Entry.tell entry
            let ring = if entry.Lane < 0 then "" else names[entry.Lane]
            let operation = $"{told.Verb} {told.Operation}".Trim()

            table
                .Append($"| {Entry.time entry} | {cell ring} | {cell operation} ")
                .Append($"| {cell told.Result} | {cell told.Note} |\n")
            |> ignore

        table.ToString()
