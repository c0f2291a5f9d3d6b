// Length: one law after the other, with the kernels that they are told of.
module Uring.Laws.FeaturesLaws

open System
open Expecto
open Uring.Model

/// A kernel that answers io_uring_setup: bits that it knows, memory for so many entries.
type private Kernel = { Known: uint32; Memory: uint32 }

let private allBits = 0xFFFF_FFFFu

let private roundedUp (entries: uint32) =
    Seq.initInfinite (fun power -> 1u <<< power) |> Seq.find (fun size -> size >= entries)

/// Unknown bits and forbidden combinations (kernel.md 2.2) are EINVAL.
let private answer kernel (attempt: SetupAttempt) =
    let flags = uint32 attempt.Flags
    let has bit = flags &&& bit <> 0u

    let singleIssuer, deferTaskrun, coopTaskrun, taskrunFlag =
        has 0x1000u, has 0x2000u, has 0x100u, has 0x200u

    let sizes = [ attempt.Entries; attempt.Completions ]

    if flags &&& ~~~kernel.Known <> 0u then Some Errno.EINVAL
    elif deferTaskrun && not singleIssuer then Some Errno.EINVAL
    elif taskrunFlag && not (coopTaskrun || deferTaskrun) then Some Errno.EINVAL
    elif List.exists (fun size -> size = 0u || size > 65536u) sizes then Some Errno.EINVAL
    elif attempt.Completions < attempt.Entries then Some Errno.EINVAL
    elif List.sumBy roundedUp sizes > kernel.Memory then Some Errno.ENOMEM
    else None

/// Calls until there is a ring or a refusal: all attempts, newest first, and the refusal if there was one.
let private climb (answers: SetupAttempt -> Errno option) verdict =
    let rec go attempts verdict =
        match verdict with
        | SetupVerdict.Refused refusal -> attempts, Some refusal
        | SetupVerdict.Try _ when List.length attempts > 50 -> failtest "the ladder has no end"
        | SetupVerdict.Try attempt ->
            match answers attempt with
            | None -> attempt :: attempts, None
            | Some errno -> go (attempt :: attempts) (Features.next attempt errno)

    go [] verdict

let private climbFrom entries completions answers =
    Features.first RingSetup.nothing entries completions |> climb answers

/// Those that the ladder asks for by itself.
let private bits = [
    for flag in Enum.GetValues<SetupFlags>() do
        if Features.ladder |> List.exists (fun rung -> (rung &&& flag) <> SetupFlags.None) then
            uint32 flag
]

/// Without these two (5.5, 5.6) the library does not start: every rung has them.
let private base' = 0x18u

/// By hand from the table in kernel.md 2.2: what a kernel knows, and the rung of the diagram that it gets.
let private kernels = [
    "6.6", 0x7FFFFu, 0x132D8u
    "6.5", 0x0FFFFu, 0x032D8u
    "6.1", 0x03FFFu, 0x032D8u
    "6.0", 0x01FFFu, 0x003D8u
    "5.19", 0x00FFFu, 0x003D8u
    "5.18", 0x000FFu, 0x000D8u
    "5.10", 0x0007Fu, 0x00058u
    "5.6", 0x0003Fu, 0x00018u
]

/// By hand from the column "since" of kernel.md 1.1, opcode 0 first.
let private since =
    List.concat [
        List.replicate 8 "5.1" // NOP..POLL_REMOVE
        List.replicate 1 "5.2" // SYNC_FILE_RANGE
        List.replicate 2 "5.3" // SENDMSG, RECVMSG
        List.replicate 1 "5.4" // TIMEOUT
        List.replicate 5 "5.5" // TIMEOUT_REMOVE..CONNECT
        List.replicate 13 "5.6" // FALLOCATE..EPOLL_CTL
        List.replicate 3 "5.7" // SPLICE..REMOVE_BUFFERS
        List.replicate 1 "5.8" // TEE
        List.replicate 3 "5.11" // SHUTDOWN..UNLINKAT
        List.replicate 3 "5.15" // MKDIRAT..LINKAT
        List.replicate 1 "5.18" // MSG_RING
        List.replicate 6 "5.19" // FSETXATTR..URING_CMD
        List.replicate 1 "6.0" // SEND_ZC
        List.replicate 1 "6.1" // SENDMSG_ZC
        List.replicate 5 "6.7" // READ_MULTISHOT..FUTEX_WAITV
        List.replicate 1 "6.8" // FIXED_FD_INSTALL
        List.replicate 1 "6.9" // FTRUNCATE
        List.replicate 2 "6.11" // BIND, LISTEN
        List.replicate 4 "6.15" // RECV_ZC..WRITEV_FIXED
        List.replicate 1 "6.16" // PIPE
    ]

let private refusals = [
    38, Refusal.NoSystemCall
    1, Refusal.Forbidden
    13, Refusal.Forbidden
    12, Refusal.NoMemory
    23, Refusal.TooManyFiles
    24, Refusal.TooManyFiles
    22, Refusal.TooOld
]

let private plan opcodes wake = {
    Setup = { Flags = SetupFlags.None; Entries = 8u; Completions = 16u; Wishes = RingSetup.nothing }
    Features = FeatureFlags.None
    Opcodes = opcodes
    Wake = wake
}

/// struct io_uring_probe for these opcodes, in this order: (code, supported).
let private probe (entries: (byte * bool) list) =
    Array.concat [
        [| 255uy; byte entries.Length |]
        Array.create 14 0xEEuy
        yield!
            entries
            |> List.map (fun (code, supported) ->
                let flags = if supported then 0x01uy else 0xFEuy
                [| code; 0xEEuy; flags; 0xEEuy; 0xEEuy; 0xEEuy; 0xEEuy; 0xEEuy |])
    ]

let private ringOn known =
    match climbFrom 64u 128u (answer { Known = known; Memory = allBits }) with
    | ring :: _, None -> Some(uint32 ring.Flags)
    | _, refusal ->
        Expect.equal refusal (Some Refusal.TooOld) "what is said of a kernel without the base flags"
        None

[<Tests>]
let laws =
    testList "Features" [
        test
            "1. an unknown flag (EINVAL) leads to the next rung: all but the last rung's flags can be missing" {
            let unknowns =
                List.allPairs bits bits |> List.map (fun (one, two) -> one ||| two) |> List.distinct

            Expect.hasLength unknowns 45 "nine bits and 36 pairs"

            for unknown in unknowns do
                match ringOn (allBits &&& ~~~unknown) with
                | Some flags -> Expect.equal (flags &&& unknown) 0u $"0x{unknown:x} is unknown"
                | None -> Expect.notEqual (unknown &&& base') 0u $"0x{unknown:x} is unknown: no ring"
        }

        test "1. ... the best that this kernel has" {
            for version, known, best in kernels do
                Expect.equal (ringOn known) (Some best) version
        }

        testProperty "1. ... whatever else it does not know, and no rung is left out"
        <| fun (unknown: uint32 list) ->
            let unknown = unknown |> List.fold (fun sum bit -> sum ||| (1u <<< int (bit % 20u))) 0u
            let kernel = { Known = ~~~unknown ||| base'; Memory = allBits }
            let attempts, refusal = climbFrom 64u 128u (answer kernel)
            Expect.isNone refusal "a ring"
            let tried = attempts |> List.rev |> List.map (fun attempt -> attempt.Flags)
            Expect.equal tried (List.take tried.Length Features.ladder) "rungs, in order"

        test "2. every ladder ends: in a ring or in a refusal that names its cause" {
            for number in 1..4095 do
                let expected =
                    match List.tryFind (fun (other, _) -> other = number) refusals with
                    | Some(_, refusal) -> refusal
                    | None -> Refusal.Unexpected(enum<Errno> number)

                let attempts, refusal = climbFrom 32768u 65536u (fun _ -> Some(enum<Errno> number))
                Expect.equal refusal (Some expected) $"errno {number} for ever"
                Expect.isLessThan attempts.Length 20 $"attempts against errno {number}"
        }

        testProperty "2. ... for every sequence of answers"
        <| fun (answers: bool list) ->
            let mutable rest = answers

            let answer _ =
                match rest with
                | [] -> None
                | first :: others ->
                    rest <- others
                    Some(if first then Errno.EINVAL else Errno.ENOMEM)

            let attempts, refusal = climbFrom 1024u 4096u answer
            let refused = refusal = Some Refusal.TooOld || refusal = Some Refusal.NoMemory
            attempts.Length < 20 && (refusal.IsNone || refused)

        testProperty "2. ... and sizes that no kernel takes are refused before the first call"
        <| fun (entries: uint32) (completions: uint32) ->
            let edges = [ 0u; 1u; 2u; 8u; 32768u; 32769u; 65536u; 65537u; entries; completions ]

            for entries, completions in List.allPairs edges edges do
                let sane =
                    entries >= 1u && entries <= 32768u && completions >= entries && completions <= 65536u

                let _, refusal = climbFrom entries completions (fun _ -> None)

                Expect.equal
                    refusal
                    (if sane then None else Some Refusal.InvalidSize)
                    $"{entries}, {completions}"

        test "3. when memory is short (ENOMEM) sizes are halved, never below the smallest ring" {
            for power in 3..15 do
                for factor in [ 1u; 2u ] do
                    let entries = 1u <<< power

                    for room in 3..17 do
                        let kernel = { Known = allBits; Memory = (1u <<< room) * (1u + factor) }
                        let attempts, refusal = climbFrom entries (entries * factor) (answer kernel)
                        let sizes = attempts |> List.rev |> List.map (fun it -> it.Entries, it.Completions)
                        let halved = List.init (max 0 (power - room) + 1) (fun index -> entries >>> index)

                        Expect.equal
                            sizes
                            (halved |> List.map (fun size -> size, size * factor))
                            "sizes tried"

                        Expect.isNone refusal $"{entries} entries, room for {1u <<< room}"
        }

        testProperty "3. ... whatever was asked for, and a kernel without any memory gets a refusal"
        <| fun (entries: uint16) (more: uint16) ->
            let entries = 1u + uint32 entries % 32768u
            let completions = min 65536u (entries + uint32 more)
            let attempts, refusal = climbFrom entries completions (answer { Known = allBits; Memory = 0u })
            Expect.equal refusal (Some Refusal.NoMemory) "refusal"

            for later, earlier in List.pairwise attempts do
                Expect.equal
                    later.Entries
                    (min earlier.Entries (max 8u (earlier.Entries / 2u)))
                    "half, down to 8"

                Expect.notEqual later earlier "each try asks for less"

                Expect.isTrue
                    (later.Completions >= later.Entries)
                    $"%A{later}: the kernel wants no fewer completions"

                Expect.isTrue
                    (later.Completions < earlier.Completions || earlier.Completions = later.Entries)
                    $"%A{later}"

                Expect.isTrue (later.Entries >= min 8u entries) $"%A{later}: not below the smallest"
                Expect.equal later.Flags earlier.Flags "the rung stays"

        testProperty "4. a missing opcode is reported with its name and first kernel, never submitted"
        <| fun (entries: (byte * bool) list) ->
            let entries = entries |> List.distinctBy fst
            let opcodes = Features.opcodesOfProbe (probe entries)
            let supported = entries |> List.filter snd |> List.map fst |> Set.ofList

            for opcode in Enum.GetValues<Opcode>() do
                let expected = supported.Contains(byte opcode)
                Expect.equal (Features.supports opcode (plan opcodes Wake.Poll)) expected $"{opcode}"

            Expect.hasLength opcodes 256 "every byte is an opcode"

        test "4. ... nor a multishot form, which an opcode of the same kernel stands for" {
            let without (opcode: Opcode) =
                plan (Array.init 256 (fun number -> number <> int opcode)) Wake.Poll

            let missing opcode hidden = Features.missingForMultishot opcode (without hidden)

            Expect.equal (missing Opcode.Accept Opcode.Socket) (ValueSome Opcode.Socket) "accept, 5.18"

            Expect.equal
                (missing Opcode.Receive Opcode.SendZeroCopy)
                (ValueSome Opcode.SendZeroCopy)
                "receive, 5.19"

            Expect.equal (missing Opcode.Accept Opcode.SendZeroCopy) ValueNone "accept, 5.19"

            Expect.equal
                (missing Opcode.ReadMultishot Opcode.ReadMultishot)
                (ValueSome Opcode.ReadMultishot)
                "read"
        }

        test "4. ... nor a ring with which the library cannot clean up" {
            let all = Array.create 256 true
            Expect.equal (Features.refusalOf all) ValueNone "all there"

            for opcode in Enum.GetValues<Opcode>() do
                let expected =
                    match opcode with
                    | Opcode.Nop
                    | Opcode.Cancel
                    | Opcode.Close -> ValueSome Refusal.TooOld
                    // An open set: what a program may never use.
                    | _ -> ValueNone

                let without = Array.init 256 (fun number -> number <> int opcode)
                Expect.equal (Features.refusalOf without) expected $"{opcode}"
        }

        test "4. ... with its first kernel" {
            let wrong = [
                for opcode in Enum.GetValues<Opcode>() do
                    let said, expected = Catalogue.since opcode, since[int opcode]
                    if said <> expected then $"{opcode}: {said}, not {expected}"
            ]

            Expect.equal wrong [] "opcodes whose first kernel is not that of kernel.md"

            Expect.equal
                (Catalogue.since (LanguagePrimitives.EnumOfValue 63uy))
                "a newer kernel"
                "one that we do not know"
        }

        test "4. ... and a kernel that lacks what the library cannot do without is found out" {
            for features in 0u .. 0x3FFFFu do
                let features = LanguagePrimitives.EnumOfValue<uint32, FeatureFlags> features

                if Features.isSufficient features <> ((uint32 features &&& 0x107u) = 0x107u) then
                    failtestf
                        "SINGLE_MMAP, NODROP, SUBMIT_STABLE, EXT_ARG are needed, and nothing else: %A"
                        features
        }

        test "5. a wake that does not work leads to the next way of waking, the last one always works" {
            let after wake hasMessageRing =
                let opcodes = Array.create 256 (not hasMessageRing)
                opcodes[40] <- hasMessageRing
                Features.nextWake (plan opcodes wake)

            Expect.equal (after Wake.SendMessage true) Wake.MessageRing "6.13 is missing, 5.18 is there"
            Expect.equal (after Wake.SendMessage false) Wake.Poll "both are missing"

            for hasMessageRing in [ true; false ] do
                Expect.equal (after Wake.MessageRing hasMessageRing) Wake.Poll "the second ring failed"
                Expect.equal (after Wake.Poll hasMessageRing) Wake.Poll "needs nothing of the kernel"
        }

        test
            "6. a pool that the kernel refuses (EINVAL) leads to the next mode; the last one needs nothing of \
             the kernel" {
            let next mode = Features.nextPoolMode mode Errno.EINVAL
            Expect.equal (next PoolMode.Incremental) (ValueSome PoolMode.Whole) "before 6.12"
            Expect.equal (next PoolMode.Whole) (ValueSome PoolMode.Plain) "before 5.19"
            Expect.equal (next PoolMode.Plain) ValueNone "it asks nothing, so nothing is refused"

            for mode in [ PoolMode.Incremental; PoolMode.Whole; PoolMode.Plain ] do
                for errno in [ Errno.ENOMEM; Errno.EPERM; Errno.EFAULT ] do
                    Expect.equal
                        (Features.nextPoolMode mode errno)
                        ValueNone
                        "another mode would meet it, too"
        }

        test "6. ... and begins with the best that this kernel has" {
            let everything = {
                plan (Array.create 256 true) Wake.Poll with
                    Features = LanguagePrimitives.EnumOfValue 0x3FFFFu
            }

            let no opcode = { everything with Opcodes = Array.init 256 (fun number -> number <> int opcode) }
            let until bits = { everything with Features = LanguagePrimitives.EnumOfValue bits }

            Expect.equal (Features.poolMode true everything) PoolMode.Incremental "6.18"
            Expect.equal (Features.poolMode true (until 0x7FFFu)) PoolMode.Whole "6.11"

            Expect.equal
                (Features.poolMode true (no Opcode.Pipe))
                PoolMode.Whole
                "6.15 puts bytes in the wrong order"

            Expect.equal (Features.poolMode false everything) PoolMode.Whole "not wished for"
            Expect.equal (Features.poolMode true (no Opcode.SendZeroCopy)) PoolMode.Plain "5.19"

            Expect.isTrue (Features.canBundle everything) "6.18"
            Expect.isFalse (Features.canBundle (no Opcode.Pipe)) "6.15 puts bytes in the wrong order"
            Expect.isFalse (Features.canBundle (until 0x3FFFu)) "6.9"
            Expect.isTrue (Features.canPollFirst Opcode.Accept everything) "accept, 6.18"
            Expect.isFalse (Features.canPollFirst Opcode.Accept (until 0x3FFFu)) "accept, 6.9"
            Expect.isTrue (Features.canPollFirst Opcode.Receive (until 0x3FFFu)) "receive, 6.9"
            Expect.isFalse (Features.canPollFirst Opcode.Receive (no Opcode.Socket)) "receive, 5.18"

            Expect.isTrue (Features.reportsUsage everything) "6.18"
            Expect.isTrue (Features.reportsUsage (until 0x3FFFu)) "6.3"
            Expect.isFalse (Features.reportsUsage (until 0x1FFFu)) "6.1"
            Expect.isTrue (Features.sendsFixedVectors everything) "6.18"
            Expect.isFalse (Features.sendsFixedVectors (no Opcode.WriteVectorFixed)) "6.14"
            Expect.isFalse (Features.sendsFixedVectors (no Opcode.SendMessageZeroCopy)) "6.0"
        }

        test "7. only what every kernel has a call for, and what never waits, is done by a call" {
            // By hand: listen(2), bind(2) and ftruncate(2) are as old as Linux, pipe2(2) is of 2.6.27.
            let called = [
                for opcode in Enum.GetValues<Opcode>() do
                    if Features.hasCall opcode then int opcode
            ]

            Expect.equal called [ 55; 56; 57; 62 ] "FTRUNCATE, BIND, LISTEN, PIPE"
        }

        test "8. a flag that is newer than what takes it is reported with its first kernel, never submitted" {
            let kernel bits last = {
                plan (Array.init 256 (fun number -> number <= last)) Wake.Poll with
                    Features = LanguagePrimitives.EnumOfValue bits
            }

            // By hand: features and the last opcode of each kernel.
            let kernels = [
                5, 11, kernel 0x1ffu 36
                5, 12, kernel 0x3ffu 36
                6, 8, kernel 0x3fffu 54
                6, 9, kernel 0x3fffu 55
                6, 11, kernel 0x7fffu 57
                6, 12, kernel 0xffffu 57
                6, 14, kernel 0x1ffffu 57
                6, 18, kernel 0x3ffffu 62
            ]

            let firsts = [
                TransferFlags.None, (4, 0)
                TransferFlags.HighPriority, (4, 6)
                TransferFlags.DataSync, (4, 7)
                TransferFlags.Sync, (4, 7)
                TransferFlags.NoWait, (4, 14)
                TransferFlags.Append, (4, 16)
                TransferFlags.NoAppend, (6, 9)
                TransferFlags.Atomic, (6, 11)
                TransferFlags.DontCache, (6, 14)
                TransferFlags.NoSignal, (6, 18)
            ]

            for major, minor, kernel in kernels do
                for flag, (firstMajor, firstMinor) in firsts do
                    let expected =
                        if (major, minor) >= (firstMajor, firstMinor) then
                            ValueNone
                        else
                            ValueSome $"{firstMajor}.{firstMinor}"

                    Expect.equal
                        (Features.missingForTransfer flag kernel)
                        expected
                        $"{flag} on {major}.{minor}"

                Expect.equal (Features.canOpenCached kernel) ((major, minor) >= (5, 12)) $"{major}.{minor}"

                let nops = [
                    0u, (5, 1)
                    OpFlags.InjectResult, (6, 10)
                    OpFlags.NopFile, (6, 13)
                    OpFlags.NopFile ||| OpFlags.NopFixedFile, (6, 13)
                    OpFlags.NopFixedBuffer ||| OpFlags.InjectResult, (6, 13)
                    OpFlags.NopTaskWork, (6, 17)
                    OpFlags.NopTaskWork ||| OpFlags.NopFile, (6, 17)
                ]

                for flags, (firstMajor, firstMinor) in nops do
                    let expected =
                        if (major, minor) >= (firstMajor, firstMinor) then
                            ValueNone
                        else
                            ValueSome $"{firstMajor}.{firstMinor}"

                    Expect.equal
                        (Features.missingForNop flags kernel)
                        expected
                        $"NOP {flags} on {major}.{minor}"

                Expect.equal (Features.passesFlags kernel) ((major, minor) >= (6, 3)) $"{major}.{minor}"
                Expect.equal (Features.changesLimits kernel) ((major, minor) >= (5, 15)) $"{major}.{minor}"
                Expect.equal (Features.commandsOnBuffers kernel) ((major, minor) >= (6, 1)) $"{major}.{minor}"

            let all: TransferFlags = LanguagePrimitives.EnumOfValue 0x1ffu
            let _, _, oldest = kernels.Head
            Expect.equal (Features.missingForTransfer all oldest) (ValueSome "6.18") "the newest of them"
        }
    ]
