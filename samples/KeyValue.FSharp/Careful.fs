/// The same compaction, with one line more.
module KeyValue.Careful

open KeyValue.Store
open Uring.FSharp

let compact (store: Store) : Uring<unit> =
    uring {
        let path = store.Path + ".new"

        do!
            uring {
                use! file = File.create path
                do! copyTo file store
                // A new name can reach the disk before the bytes behind it: without this the rename puts a
                // file that a power loss may empty in the place of one that it cannot touch.
                do! File.sync file
            }

        do! File.rename path store.Path
        do! reopen store
    }
