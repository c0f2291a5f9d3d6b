/// A key-value store in one log: a put appends and syncs, an index in memory says where each key's last
/// record is, recovery reads the log from its start. One writer. Compaction: Careless.fs, Careful.fs.
module KeyValue.Store

open System
open System.Collections.Generic
open System.IO
open Uring.FSharp

/// An open store. Dispose of it with `use!`.
type Store = {
    Path: string
    mutable File: File
    /// Where the next record goes.
    mutable End: int64
    /// Where the last record of each key begins, and its length.
    Index: Dictionary<string, struct (int64 * int)>
} with

    interface IAsyncDisposable with
        member this.DisposeAsync() = (this.File :> IAsyncDisposable).DisposeAsync()

let private openLog (path: string) : Uring<File> =
    File.openWith (OpenFlags.ReadWrite ||| OpenFlags.Create) (enum<UnixFileMode> 0o600) path

let private read (file: File) (struct (start: int64, length: int)) : Uring<byte array> =
    uring {
        let bytes = Array.zeroCreate<byte> length
        let! count = File.readFull file (Memory bytes) start
        return Array.truncate count bytes
    }

let rec private indexFrom (start: int) (log: byte array) (store: Store) =
    match Record.tryDecode log start with
    | None -> store.End <- int64 start
    | Some(key, _, length) ->
        store.Index[key] <- struct (int64 start, length)
        indexFrom (start + length) log store

/// Reads the log up to a torn record: that one was never acknowledged, so it may go.
let private recover (store: Store) : Uring<unit> =
    uring {
        let! status = File.status store.File
        let! log = read store.File (struct (0L, int status.Length))
        store.Index.Clear()
        indexFrom 0 log store
        if store.End < status.Length then do! File.truncate store.File store.End
    }

/// Opens a store, or makes an empty one.
let openAt (path: string) : Uring<Store> =
    uring {
        let! file = openLog path
        let store = { Path = path; File = file; End = 0L; Index = Dictionary() }
        do! recover store
        // Whoever reads a value relies on it, and a killed process may have left it unsynced.
        do! File.sync file
        return store
    }

/// When this has ended, the value survives a power loss.
let put (store: Store) (key: string) (value: string) : Uring<unit> =
    uring {
        let record = Record.encode key value
        do! File.write store.File (ReadOnlyMemory record) store.End
        do! File.sync store.File
        store.Index[key] <- struct (store.End, record.Length)
        store.End <- store.End + int64 record.Length
    }

/// The value that was put last under this key.
let tryGet (store: Store) (key: string) : Uring<string option> =
    uring {
        match store.Index.TryGetValue key with
        | true, place ->
            let! record = read store.File place
            return Record.tryDecode record 0 |> Option.map (fun (_, value, _) -> value)
        | _ -> return None
    }

/// For compaction: writes the last record of each key to a file.
let copyTo (file: File) (store: Store) : Uring<unit> =
    uring {
        let mutable position = 0L

        for place in List.ofSeq store.Index.Values do
            let! record = read store.File place
            do! File.write file (ReadOnlyMemory record) position
            position <- position + int64 record.Length
    }

/// For compaction: goes on with the file that has the store's name now.
let reopen (store: Store) : Uring<unit> =
    uring {
        let! file = openLog store.Path
        do! File.close store.File
        store.File <- file
        do! recover store
    }
