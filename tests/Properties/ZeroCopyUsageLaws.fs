module Uring.Laws.ZeroCopyUsageLaws

open System
open Expecto
open Uring.Model

let private all = Enum.GetValues<ZeroCopyUsage>() |> List.ofArray
let private both = ZeroCopyUsage.both

[<Tests>]
let laws =
    testList "ZeroCopyUsage" [
        testProperty "1. nothing is said unless it was asked for, whatever the result is"
        <| fun (result: int) ->
            let isCopied = result < 0

            Expect.equal (ZeroCopyUsage.ofNotification false result) ZeroCopyUsage.Unknown "not asked for"

            Expect.equal
                (ZeroCopyUsage.ofNotification true result)
                (if isCopied then ZeroCopyUsage.Copied else ZeroCopyUsage.NotCopied)
                "its highest bit"

        test "2. parts in any order and in any groups come to the same, and no part adds anything to itself" {
            for one in all do
                Expect.equal (both one one) one "itself"

                for other in all do
                    Expect.equal (both one other) (both other one) "any order"

                    for third in all do
                        Expect.equal (both (both one other) third) (both one (both other third)) "any groups"
        }

        testProperty
            "3. one part that was copied makes the whole copied; the whole is not copied only when every part says so"
        <| fun (first: bool option) (rest: bool option list) ->
            let usageOf (part: bool option) =
                match part with
                | None -> ZeroCopyUsage.Unknown
                | Some true -> ZeroCopyUsage.Copied
                | Some false -> ZeroCopyUsage.NotCopied

            let parts = first :: rest
            let whole = parts |> List.map usageOf |> List.reduce both
            Expect.equal (whole = ZeroCopyUsage.Copied) (List.contains (Some true) parts) "copied"

            Expect.equal
                (whole = ZeroCopyUsage.NotCopied)
                (parts |> List.forall ((=) (Some false)))
                "not copied"
    ]
