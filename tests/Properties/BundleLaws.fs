module Uring.Laws.BundleLaws

open Expecto
open Uring.Model

[<Tests>]
let tests =
    testList "Bundle" [
        testProperty "1. what was filled while a bundle went out is sent by the next one"
        <| fun (sent: uint16) hasSent ->
            Bundle.ended (int sent) false hasSent = BundleVerdict.Again
            && Bundle.ended (Errno.toResult Errno.ENOBUFS) false true = BundleVerdict.Again

        testProperty
            "2. after a bundle that came short the rest is sent from the first unsent byte on, one by one: so the error behind it is heard, and nothing is lost or sent twice"
        <| fun (sent: uint16) hasSent -> Bundle.ended (int sent) true hasSent = BundleVerdict.OneByOne

        test
            "3. buffers that were published and that the kernel does not find are gone there: they are sent one by one as well" {
            Expect.equal
                (Bundle.ended (Errno.toResult Errno.ENOBUFS) false false)
                BundleVerdict.OneByOne
                "gone"
        }

        testProperty "4. any other error is the connection's end"
        <| fun isShort hasSent ->
            [ Errno.EPIPE; Errno.ECONNRESET; Errno.ECANCELED; Errno.ENOMEM ]
            |> List.forall (fun errno ->
                Bundle.ended (Errno.toResult errno) isShort hasSent = BundleVerdict.Fail)
    ]
