/// A compaction as one finds it in the wild. Every test passes: the new log replaces the old one in one step.
module KeyValue.Careless

open KeyValue.Store
open Uring.FSharp

let compact (store: Store) : Uring<unit> =
    uring {
        let path = store.Path + ".new"

        do!
            uring {
                use! file = File.create path
                do! copyTo file store
            }

        do! File.rename path store.Path
        do! reopen store
    }
