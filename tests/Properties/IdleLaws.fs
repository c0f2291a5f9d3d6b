module Uring.Laws.IdleLaws

open Expecto
open Uring.Model

/// One wait: whether there would be work for those who look. Answers whether it looked.
let private wait (idle: Idle) works =
    let looks = Idle.looks idle > 0
    (if looks && works then Idle.found idle else Idle.blocked idle), looks

/// Which of the waits looked.
let private run limit (waits: bool list) =
    let folder (idle, looked) works =
        let next, looks = wait idle works
        next, looks :: looked

    let idle, looked = List.fold folder (Idle.create limit, []) waits
    idle, List.rev looked

/// The lengths of the runs of waits that blocked at once, between those that looked.
let private gaps looked =
    let folder (current, gaps) looks = if looks then 0, current :: gaps else current + 1, gaps
    looked |> List.fold folder (0, []) |> snd |> List.rev

[<Tests>]
let laws =
    testList "Idle" [
        testProperty "1. who found work the last time looks again"
        <| fun (waits: bool list) ->
            let idle, _ = run 8 waits
            let next, looked = wait idle true
            not looked || Idle.looks next = 8

        test "2. looks in vain become rarer: after n in a row, 2^n - 1 waits block at once, 63 at most" {
            let _, looked = run 8 (List.replicate 400 false)
            Expect.equal (gaps looked) [ 0; 1; 3; 7; 15; 31; 63; 63; 63; 63; 63 ] "waits between two looks"
        }

        testProperty "3. it never gives up for good: of any 64 waits at least one looks"
        <| fun (waits: bool list) ->
            let _, looked = run 8 (waits @ List.replicate 64 false)
            looked |> List.windowed 64 |> List.forall (List.contains true)

        testProperty "4. a limit of no looks never looks"
        <| fun (waits: bool list) -> run 0 waits |> snd |> List.contains true |> not
    ]
