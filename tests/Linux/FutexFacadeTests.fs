/// Waiting for words of memory, from C#; and polling what the library did not open.
module Uring.Tests.Linux.FutexFacadeTests

open System
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe

[<Tests>]
let tests =
    testSequenced
    <| testList "C# UringFutex" [
        tidyCase "waits until woken, or not at all" (fun () ->
            task {
                use ring = new Ring()
                let futex = UringFutex()
                let waiting = futex.WaitAsync(0, ring).AsTask()
                do! eventually "in flight" (fun () -> ring.InFlight = 1)
                Volatile.Write(&futex.Value, 1)
                let! woken = futex.WakeAsync(1, ring)
                let! wasWoken = waiting
                Expect.equal wasWoken (woken = 1) "by this wake"
                let! late = futex.WaitAsync(0, ring)
                Expect.isFalse late "another value"
            })

        tidyCase "a thousand times to and fro between two rings" (fun () ->
            task {
                use one = new Ring()
                use other = new Ring()
                let futex = UringFutex()

                /// Waits for its turn, and gives the turn on.
                let play (ring: Ring) (parity: int) =
                    ring.RunAsync(fun () ->
                        ValueTask(
                            task {
                                let mutable seen = Volatile.Read(&futex.Value)

                                while seen < 1000 do
                                    if seen % 2 = parity then
                                        Volatile.Write(&futex.Value, seen + 1)
                                        let! _ = futex.WakeAsync()
                                        ()
                                    else
                                        let! _ = futex.WaitAsync seen
                                        ()

                                    seen <- Volatile.Read(&futex.Value)
                            }
                        ))

                do! Task.WhenAll(play one 0, play other 1)
                Expect.equal futex.Value 1000 "turns"
            })

        tidyCase "cancelled, before and during" (fun () ->
            task {
                use ring = new Ring()
                let futex = UringFutex()
                use source = new CancellationTokenSource()
                let waiting = futex.WaitAsync(0, ring, source.Token).AsTask()
                do! eventually "in flight" (fun () -> ring.InFlight = 1)
                source.Cancel()
                do! isCancelled "during" (fun () -> ValueTask waiting)
                do! isCancelled "before" (fun () -> discard (futex.WaitAsync(0, ring, source.Token)))
            })

        tidyCase "waits for one of several" (fun () ->
            task {
                use ring = new Ring()
                let words = [| for _ in 1..3 -> UringFutex() |]
                let waiting = UringFutex.WaitAnyAsync(words, [| 0; 0; 0 |], ring).AsTask()
                let mutable woken = 0

                // It may not have come to the kernel yet.
                while woken = 0 do
                    let! now = words[1].WakeAsync(1, ring)
                    woken <- now

                let! index = waiting
                Expect.equal index 1 "index"
                Volatile.Write(&words[2].Value, 1)
                let! late = UringFutex.WaitAnyAsync(words, [| 0; 0; 0 |], ring)
                Expect.equal late -1 "another value"

                Expect.throwsT<ArgumentException>
                    (fun () -> UringFutex.WaitAnyAsync(words, [| 0 |], ring) |> ignore)
                    "one value for three words"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> UringFutex.WaitAnyAsync([||], [||], ring) |> ignore)
                    "no words"
            })

        tidyCase "refuses what is no word" (fun () ->
            task {
                use ring = new Ring()

                Expect.throwsT<ArgumentException>
                    (fun () -> UringFutex(Memory(Array.zeroCreate<byte> 3)) |> ignore)
                    "three bytes"

                let odd = UringFutex(Memory(GC.AllocateArray<byte>(8, true), 2, 4))
                let! _ = raises<ArgumentException> "odd" (fun () -> discard (odd.WaitAsync(0, ring)))
                let futex = UringFutex()

                let! _ =
                    raises<ArgumentOutOfRangeException> "count" (fun () ->
                        discard (futex.WakeAsync(-1, ring)))

                ()
            })
    ]
