// The bytes of a file as a value: sparse, in pages that are copied when they are written. Pure.
namespace Uring.Simulation.World

open System

/// A file's bytes. What is in no page is zero.
///
///   page 0        page 1       page 2
///   [0x11 0x11..] -- hole --   [..0x22 | past the end: zeros]
///                                      ^ Length
///
/// Laws
///  1. reading gives what was written last, and zeros where nothing was
///  2. cutting a file and extending it again leaves zeros, not what was there
///  3. a file ends where its furthest write ended, or where it was cut or extended to last: reading stops there
///  4. clearing a stretch changes no other byte, and not the length
///  5. holes take no room: a page is there only if it was written or reserved
///  6. an older value stays as it was, whatever is written afterwards
///  7. pages that are taken out bring what is behind them forward, and a hole that is put in moves it back
type internal Contents = {
    Pages: Map<int64, byte array>
    /// In bytes.
    Length: int64
}

[<RequireQualifiedAccess>]
module internal Contents =

    let pageSize = 4096

    let empty = { Pages = Map.empty; Length = 0L }

    let private size = int64 pageSize

    /// Reads up to the end.
    let read (offset: int64) (target: Span<byte>) (contents: Contents) : int =
        let available = max 0L (contents.Length - offset)
        let length = int (min (int64 target.Length) available)
        let mutable moved = 0

        while moved < length do
            let position = offset + int64 moved
            let within = int (position % size)
            let run = min (length - moved) (pageSize - within)
            let part = target.Slice(moved, run)

            match Map.tryFind (position / size) contents.Pages with
            | Some page -> page.AsSpan(within, run).CopyTo part
            | None -> part.Clear()

            moved <- moved + run

        length

    /// Writes all of it, extending the file if need be.
    let write (offset: int64) (source: ReadOnlySpan<byte>) (contents: Contents) : Contents =
        let mutable pages = contents.Pages
        let mutable moved = 0

        while moved < source.Length do
            let position = offset + int64 moved
            let within = int (position % size)
            let run = min (source.Length - moved) (pageSize - within)

            let page =
                match Map.tryFind (position / size) pages with
                | Some page -> Array.copy page
                | None -> Array.zeroCreate pageSize

            source.Slice(moved, run).CopyTo(page.AsSpan within)
            pages <- Map.add (position / size) page pages
            moved <- moved + run

        {
            Pages = pages
            Length =
                if source.IsEmpty then
                    contents.Length
                else
                    max contents.Length (offset + int64 source.Length)
        }

    /// Gives a stretch pages of its own, where it has none.
    let reserve (offset: int64) (length: int64) (contents: Contents) : Contents =
        let add pages index =
            if Map.containsKey index pages then
                pages
            else
                Map.add index (Array.zeroCreate pageSize) pages

        let indexes = seq { offset / size .. (offset + length - 1L) / size }
        { contents with Pages = Seq.fold add contents.Pages indexes }

    /// Makes a stretch zero without changing the length.
    let clear (offset: int64) (length: int64) (contents: Contents) : Contents =
        let finish = offset + length

        let change (index: int64) (page: byte array) =
            let start = index * size

            if start + size <= offset || start >= finish then
                Some page
            elif start >= offset && start + size <= finish then
                None
            else
                let copy = Array.copy page
                let first = int (max 0L (offset - start))
                let last = int (min size (finish - start))
                copy.AsSpan(first, last - first).Clear()
                Some copy

        {
            contents with
                Pages =
                    contents.Pages
                    |> Map.toSeq
                    |> Seq.choose (fun (index, page) ->
                        change index page |> Option.map (fun page -> index, page))
                    |> Map.ofSeq
        }

    let private moved (change: int64 -> int64 voption) contents =
        contents.Pages
        |> Map.toSeq
        |> Seq.choose (fun (index, page) ->
            match change index with
            | ValueSome index -> Some(index, page)
            | ValueNone -> None)
        |> Map.ofSeq

    /// Takes whole pages out: what is behind them comes forward.
    let collapse (offset: int64) (length: int64) (contents: Contents) : Contents =
        let first, last = offset / size, (offset + length) / size

        let change index =
            if index < first then ValueSome index
            elif index < last then ValueNone
            else ValueSome(index - (last - first))

        {
            Pages = moved change contents
            Length =
                if contents.Length <= offset then
                    contents.Length
                else
                    max offset (contents.Length - length)
        }

    /// Puts a hole of whole pages in: what is there goes behind it.
    let insert (offset: int64) (length: int64) (contents: Contents) : Contents =
        let change index = ValueSome(if index < offset / size then index else index + length / size)

        {
            Pages = moved change contents
            Length = if contents.Length <= offset then contents.Length else contents.Length + length
        }

    /// Sets the length: cuts, or extends with zeros.
    let resize (length: int64) (contents: Contents) : Contents =
        if length < contents.Length then
            // Whole pages behind the new end go, the last one too.
            { clear length (Int64.MaxValue - length) contents with Length = length }
        else
            { contents with Length = length }
