module Uring.Laws.UserDataLaws

open System
open Expecto
open Uring.Model

/// Generations start here, so that short histories pass the wrap.
let private nearWrap = 0xFF_FFF0u

type Step =
    /// A new operation takes the slot; the one before it, if any, is over.
    | Use of slot: byte
    /// The kernel posts, now or much later, the completion of one of the operations that ever were.
    | Deliver of nth: byte

/// What is true of the completions delivered: which operation they were for, and which the slot table finds.
type private World = {
    /// The slot table: each slot's generation.
    Generations: Map<uint32, uint32>
    /// Every operation that ever was, newest first.
    Issued: (uint32 * UserData) list
    Right: bool
}

let private apply world step =
    match step with
    | Use slot ->
        let slot = uint32 slot

        let generation =
            match world.Generations.TryFind slot with
            | Some generation -> UserData.next generation
            | None -> nearWrap + slot % 16u

        {
            world with
                Generations = world.Generations.Add(slot, generation)
                Issued = (slot, UserData.pack slot generation CompletionKind.Operation) :: world.Issued
        }
    | Deliver _ when world.Issued.IsEmpty -> world
    | Deliver nth ->
        let index = int nth % world.Issued.Length
        let slot, userData = world.Issued[index]
        let isLive = List.findIndex (fun (other, _) -> other = slot) world.Issued = index
        let reaches = world.Generations[slot] = UserData.generation userData

        { world with Right = world.Right && UserData.slot userData = slot && reaches = isLive }

let private start = { Generations = Map.empty; Issued = []; Right = true }

/// Written by hand from the layout: slot (32) | generation (24) | kind (8), lowest byte last in the picture.
let private bytesOf slot (generation: uint32) kind =
    Array.concat [
        [| kind |]
        BitConverter.GetBytes(generation)[..2]
        BitConverter.GetBytes(slot: uint32)
    ]

let private kinds = [
    0uy, CompletionKind.Unknown
    1uy, CompletionKind.Operation
    2uy, CompletionKind.CancelRequest
    3uy, CompletionKind.Wake
    4uy, CompletionKind.Message
]

/// The same use of the slot, of another kind.
let private isAlso slot generation userData (number, kind) =
    BitConverter.GetBytes (UserData.withKind kind userData).Bits = bytesOf slot generation number

let private isInverse slot generation =
    kinds
    |> List.forall (fun (number, kind) ->
        let userData = UserData.pack slot generation kind

        UserData.slot userData = slot
        && UserData.generation userData = generation % 0x100_0000u
        && UserData.kind userData = kind
        && BitConverter.GetBytes userData.Bits = bytesOf slot generation number
        && List.forall (isAlso slot generation userData) kinds)

/// How often a slot is freed until this generation comes again, or one more than should be.
let private usesUntilAgain first =
    let mutable generation = UserData.next first
    let mutable uses = 1

    while generation <> first && uses <= 0x100_0000 do
        generation <- UserData.next generation
        uses <- uses + 1

    uses

[<Tests>]
let laws =
    testList "UserData" [
        testProperty "1. pack and unpack are inverse for every slot, every 24-bit generation and every kind"
        <| fun (slot: uint32) (generation: uint32) -> isInverse slot generation

        test "1. ... at the edges too" {
            let edges = [
                0u
                1u
                0x7FFF_FFFFu
                0x8000_0000u
                0xFFFF_FFFFu
                nearWrap
                0xFF_FFFFu
                0x100_0000u
            ]

            for slot, generation in List.allPairs edges edges do
                Expect.isTrue (isInverse slot generation) $"slot {slot}, generation {generation}"
        }

        testProperty
            "2. a stale completion never reaches a live operation: a freed slot's next generation differs"
        <| fun (steps: Step list) -> (List.fold apply start steps).Right

        test "2. ... for forty uses of one slot across the wrap, each completion delivered after each use" {
            let steps = [
                for newest in 0..39 do
                    Use 7uy

                    for nth in 0..newest do
                        Deliver(byte nth)
            ]

            let world = List.fold apply start steps
            Expect.equal world.Issued.Length 40 "uses"
            Expect.isTrue world.Right "each completion reaches its own operation or none"
        }

        test "3. generations come round after 2^24 uses of one slot, not before" {
            for first in [ 0u; 1u; nearWrap; 0xFF_FFFFu ] do
                Expect.equal
                    (usesUntilAgain first)
                    0x100_0000
                    $"uses of a slot until generation {first} comes again"
        }

        testProperty "4. every 64-bit pattern decodes to something"
        <| fun (high: uint32) (low: uint32) ->
            let userData = { Bits = (uint64 high <<< 32) ||| uint64 low }
            let number = byte (low % 256u)
            let known = kinds |> List.tryFind (fun (other, _) -> other = number) |> Option.map snd

            UserData.slot userData = high
            && UserData.generation userData = low / 256u
            && UserData.kind userData = Option.defaultValue CompletionKind.Unknown known

        test "4. ... and 251 of the 256 kinds are not ours" {
            let strangers =
                [ 0UL .. 255UL ]
                |> List.filter (fun number ->
                    UserData.kind { Bits = 0xFFFF_FFFF_FFFF_FF00UL ||| number } = CompletionKind.Unknown)

            Expect.equal strangers (0UL :: [ 5UL .. 255UL ]) "kinds that are Unknown"
        }
    ]
