module Uring.Tests.Linux.OperationsPageTests

open System.IO
open Expecto
open Uring
open Uring.FSharp
open Uring.Kernel
open Uring.Model

/// What the running kernel says it has.
let private probed () =
    let probe = Array.zeroCreate<byte>(16 + 256 * 8)

    match Uring.Driver.Setup.create LinuxKernel.Instance 8 16 with
    | Error _ -> [||]
    | Ok ring ->
        LinuxKernel.Instance.Register(ring.Descriptor, RegisterOpcode.Probe, System.Span probe, 256u)
        |> ignore

        ring.Close()
        Features.opcodesOfProbe probe

/// What nobody offers though the kernel has it: the reasons are on the page.
let private excepted = set [ Opcode.ProvideBuffers; Opcode.RemoveBuffers; Opcode.ReceiveZeroCopy ]

[<Tests>]
let tests =
    testList "docs/operations.md" [
        testCase "is what the table says" (fun () ->
            let page = File.ReadAllText(Sdk.inRoot "docs/operations.md")
            Expect.equal page (OperationsPage.text ()) "dotnet ... Uring.Tests.Linux.dll operations")

        testCase "names what exists" (fun () ->
            for offer in OperationsPage.offers do
                for name in offer.FSharp do
                    let core = typeof<Opcode>.Assembly
                    Expect.isTrue (OperationsPage.exists core "Uring.FSharp" name) name

                for name in offer.CSharp do
                    Expect.isTrue (OperationsPage.exists typeof<Ring>.Assembly "Uring" name) name

                for test in offer.Tests do
                    Expect.isTrue (File.Exists(Sdk.inRoot $"tests/Linux/{test}.fs")) test

                if offer.FSharp.IsEmpty || offer.CSharp.IsEmpty || offer.Tests.IsEmpty then
                    Expect.isNotEmpty offer.Reason $"{offer.Opcode}: why not")

        testCase "has every operation of the table, once" (fun () ->
            let offered = OperationsPage.offers |> List.map _.Opcode
            Expect.equal offered (Catalogue.rows |> List.map _.Opcode) "in their order")

        testCase "each error that a program has to expect is met, or injected where it cannot be" (fun () ->
            for row in Catalogue.rows do
                for errno in row.Errors do
                    let isMet = MetErrors.real row.Opcode |> List.contains errno
                    let isInjected = MetErrors.injected row.Opcode |> List.contains errno

                    Expect.isTrue
                        (isMet <> isInjected)
                        $"{row.Name}: {errno}: met {isMet}, injected {isInjected}"

            for opcode, errno in InjectedErrorTests.table do
                let row = Catalogue.rows |> List.find (fun row -> row.Opcode = opcode)
                Expect.contains row.Errors errno $"{row.Name}: {errno} is not expected")

        testCase "lacks no operation that the running kernel has" (fun () ->
            let supported = probed ()
            Expect.isTrue (Array.exists id supported) "a probe"

            for number in 0 .. supported.Length - 1 do
                if supported[number] then
                    Expect.isLessThan number Catalogue.rows.Length $"opcode {number} is new"
                    let offer = OperationsPage.offers[number]
                    let isOffered = not offer.Tests.IsEmpty
                    Expect.notEqual isOffered (excepted.Contains offer.Opcode) $"{offer.Opcode}")

        testCase "names files of tests that submit the operation" (fun () ->
            let struct (wrong, said) = ChildProcess.run [] SubmittedOpcodes.Name
            Expect.equal wrong 0 said)
    ]
