// One file that is followed: what is new in it, whether its name is another file's now, where its last lines begin.

#load "../shared.fsx"

open System
open System.IO
open Uring.FSharp

type Log = { Path: string; mutable File: File option; mutable At: int64 }

/// Whether files have to be told apart.
let mutable areSeveral = false

let output = Console.OpenStandardOutput()
let buffer = Array.zeroCreate<byte> 65_536
let mutable shown = ""

let note (one: Log) (what: string) = Console.Error.WriteLine $"{Shared.name}: {one.Path} {what}"

let print (one: Log) (count: int) =
    if areSeveral && shown <> one.Path then
        output.Write(Text.Encoding.UTF8.GetBytes $"==> {one.Path} <==\n")
        shown <- one.Path

    output.Write(buffer, 0, count)
    output.Flush()

/// What is new in it.
let copy (one: Log) (file: File) : Uring<unit> =
    uring {
        let! status = File.status file

        if status.Length < one.At then
            note one "was cut"
            one.At <- 0L

        let mutable more = true

        while more do
            let! count = File.read file (Memory buffer) one.At
            if count > 0 then print one count
            one.At <- one.At + int64 count
            more <- count > 0
    }

/// Where the last lines begin.
let rec lastLines (file: File) (from: int64) (left: int) : Uring<int64> =
    uring {
        let start = max 0L (from - int64 buffer.Length)
        let! count = File.readFull file (Memory(buffer, 0, int (from - start))) start

        let ends = [
            for at in count - 1 .. -1 .. 0 do
                if buffer[at] = 10uy then start + int64 at + 1L
        ]

        if ends.Length > left then return ends[left]
        elif start = 0L then return 0L
        else return! lastLines file start (left - ends.Length)
    }

/// Opens what has the name now, if that is another file than before; and prints what is new.
let look (one: Log) : Uring<unit> =
    uring {
        match! Uring.catch (File.statusOfPath one.Path) with
        | Error _ -> ()
        | Ok now ->
            let! was = one.File |> Option.map File.status |> Option.defaultValue (Uring.result now)

            if one.File.IsNone || (was.Inode, was.Device) <> (now.Inode, now.Device) then
                for old in Option.toList one.File do
                    do! copy one old
                    do! File.close old
                    note one "is another file now"

                let! file = File.openRead one.Path
                one.File <- Some file
                one.At <- 0L

        for file in Option.toList one.File do
            do! copy one file
    }
