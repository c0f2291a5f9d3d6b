/// Registered buffers: what is done with them, when their slots and their memory come back, and kernels without them.
// Length: one list for each stage of a buffer, by both facades and on kernels that refuse.
module Uring.Tests.Linux.RegisteredBufferTests

open System
open System.Collections.Generic
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.Receiving

type private Memories = IReadOnlyList<RegisteredMemory>

let private case = folderCase
let private make (host: LoopThread) length = runOn host (RegisteredBuffer.create length)
let private close (host: LoopThread) buffer = runOn host (RegisteredBuffer.close buffer)

let private filled (host: LoopThread) (seed: int) length =
    let buffer = make host length
    (pattern seed length).CopyTo buffer.Memory
    buffer

/// Writes the first half, reads into the second: what is there.
let private thereAndBack
    (host: LoopThread)
    (file: Uring.FSharp.File)
    (buffer: Uring.Driver.RegisteredBuffer)
    =
    let half = buffer.Length / 2
    runOn host (File.writeRegistered file (RegisteredBuffer.slice 0 half buffer) 7L)
    let target = RegisteredBuffer.slice half half buffer
    Expect.equal (runOn host (File.readRegistered file target 7L)) half "all of it"
    Expect.equal (target.Memory.ToArray()) (buffer.Memory.Slice(0, half).ToArray()) "the same bytes"

let private using =
    testList "used" [
        case "what was written is read, with the operations for it" (fun host folder ->
            let file = runOn host (File.create (at folder "file"))
            let buffer = filled host 1 20_000
            Expect.isTrue buffer.IsRegistered "registered"
            thereAndBack host file buffer
            let whole = RegisteredBuffer.whole buffer
            let opcodeOf (request: Request) = request.Submission.Opcode
            let both: Memories = [| whole |]
            Expect.equal (opcodeOf (RegisteredRequest.read file.Descriptor whole 0L)) Opcode.ReadFixed "read"

            Expect.equal
                (opcodeOf (RegisteredRequest.write file.Descriptor whole 0L))
                Opcode.WriteFixed
                "write"

            Expect.equal
                (opcodeOf (RegisteredRequest.readVector file.Descriptor both 0L))
                Opcode.ReadVectorFixed
                "readv"

            close host buffer)

        case "parts of one in their order" (fun host folder ->
            let file = runOn host (File.create (at folder "file"))
            let buffer = filled host 2 1000
            let part start length = RegisteredBuffer.slice start length buffer
            let backwards: Memories = [| part 500 100; part 0 50; part 100 1 |]
            Expect.equal (runOn host (File.writeRegisteredVector file backwards 3L)) 151 "written"
            let expected = backwards |> Seq.map _.Memory.ToArray() |> Array.concat
            let there: Memories = [| part 600 51; part 700 100 |]
            Expect.equal (runOn host (File.readRegisteredVector file there 3L)) 151 "read"
            Expect.equal (there |> Seq.map _.Memory.ToArray() |> Array.concat) expected "the same bytes"
            close host buffer)

        case "empty parts are passed over, which the kernel would not do" (fun host folder ->
            let file = runOn host (File.create (at folder "file"))
            let buffer = filled host 12 100
            let part start length = RegisteredBuffer.slice start length buffer
            let some: Memories = [| part 0 0; part 5 3; part 10 0; part 20 4; part 100 0 |]
            let none: Memories = [| part 0 0; part 100 0 |]
            Expect.equal (runOn host (File.writeRegisteredVector file some 0L)) 7 "written"
            Expect.equal (runOn host (File.readRegisteredVector file some 0L)) 7 "read"
            Expect.equal (runOn host (File.writeRegisteredVector file none 0L)) 0 "nothing written"
            Expect.equal (runOn host (File.readRegisteredVector file none 0L)) 0 "nothing read"
            close host buffer)

        case "in a chain, which breaks before a read at the end" (fun host folder ->
            let file = runOn host (File.create (at folder "file"))
            let buffer = filled host 13 300
            let part start = RegisteredBuffer.slice start 100 buffer
            let write = RegisteredRequest.write file.Descriptor (part 0) 0L
            let read offset start = RegisteredRequest.read file.Descriptor (part start) offset

            let steps =
                chain {
                    write
                    read 0L 100
                    read 100L 200
                    write
                }

            Expect.equal
                (runOn host (Chains.run steps))
                [ StepOutcome.Ran 100; StepOutcome.Ran 100; StepOutcome.Ran 0; StepOutcome.Cancelled ]
                "outcomes"

            let bytes = buffer.Memory.ToArray()
            Expect.equal bytes[100..199] bytes[0..99] "the same bytes"
            finished "nobody has it" (buffer.Close()))

        case "memory of one's own, wherever it lies" (fun host folder ->
            let file = runOn host (File.create (at folder "file"))
            let own = pattern 3 5000
            let buffer = runOn host (RegisteredBuffer.adopt (Memory(own, 123, 4000)))
            thereAndBack host file buffer
            Expect.equal (own[2123..4122]) (own[123..2122]) "in place"
            close host buffer
            own[0] <- 1uy)

        case "with a direct descriptor, and in huge pages if there are some" (fun _ folder ->
            withLoopOf LinuxKernel.Instance { LoopOptions.standard with DirectDescriptors = 4 } (fun host ->
                let path = at folder "file"
                IO.File.WriteAllBytes(path, [||])
                let file = runOn host (File.openDirect OpenFlags.ReadWrite UnixFileMode.None path)
                let buffer = runOn host (RegisteredBuffer.createHuge 100_000)
                (pattern 4 100_000).CopyTo buffer.Memory
                thereAndBack host file buffer
                close host buffer
                runOn host (File.close file)))

        testCase "sent without a copy" (fun () ->
            withLoop (fun host ->
                let struct (ours, theirs) = connectPair host
                let buffer = filled host 5 50_000
                let part = RegisteredBuffer.slice 1000 40_000 buffer
                let send = runOn host (Socket.sendZeroCopyRegistered ours Timeout.InfiniteTimeSpan part)
                let received = receiveAll theirs 40_000
                Expect.equal (finish "sent" send.Sent) 40_000 "sent"
                Expect.equal received (part.Memory.ToArray()) "the same bytes"
                theirs.Dispose()
                finished "released" send.Released
                close host buffer
                runOn host (Socket.close ours)))
    ]

/// A read that waits, into all of a buffer.
let private waiting (host: LoopThread) (pipe: Pipe) buffer token =
    startAs host (RegisteredRequest.read pipe.Reader.Descriptor (RegisteredBuffer.whole buffer) 0L) token

let private ending =
    testList "closed" [
        testCase "waits for its operations, and refuses new ones" (fun () ->
            withLoop (fun host ->
                let pipe = runOn host Pipe.create
                let buffer = make host 100
                let read = waiting host pipe buffer CancellationToken.None
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                let closing = buffer.Close()
                Expect.isTrue buffer.IsClosed "closed to new ones"

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> waiting host pipe buffer CancellationToken.None |> finish "new" |> ignore)
                    "a new one"

                // A slot that an operation names is nobody else's.
                let other = make host 100
                Expect.notEqual other.Slot buffer.Slot "another slot"
                Expect.isFalse closing.IsCompleted "waits"
                runOn host (File.writeNext pipe.Writer (ReadOnlyMemory [| 1uy; 2uy |])) |> ignore
                Expect.equal (finish "read" read) 2 "read"
                finished "closing" closing
                Expect.throwsT<ObjectDisposedException> (fun () -> buffer.Memory.Span.Clear()) "the memory"
                close host other
                runOn host (Pipe.close pipe)))

        testCase "a read that is cancelled lets go of it" (fun () ->
            withLoop (fun host ->
                let pipe = runOn host Pipe.create
                let buffer = make host 100
                use stop = new CancellationTokenSource()
                let read = waiting host pipe buffer stop.Token
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                let closing = buffer.Close()
                stop.Cancel()
                ended "read" read
                Expect.isTrue read.IsCanceled "cancelled"
                finished "closing" closing
                runOn host (Pipe.close pipe)))

        testCase "a ring that ends takes its buffers along" (fun () ->
            let kernel = FaultyKernel()

            let buffer, closing =
                withLoopOf kernel LoopOptions.standard (fun host ->
                    let pipe = runOn host Pipe.create
                    let buffer = make host 100
                    let idle = make host 100
                    waiting host pipe buffer CancellationToken.None |> ignore
                    eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                    idle, buffer.Close())

            finished "closing" closing
            // One that outlives its ring is memory still.
            buffer.Memory.Span.Fill 1uy
            finished "after the ring" (buffer.Close())
            Expect.equal (kernel.OpenRings, kernel.OpenMaps) (0, 0) "all is given back")

        testCase "as many as the options say" (fun () ->
            for slots in [ 0; BufferSlots.Most + 1 ] do
                let reason =
                    failureOf (fun () ->
                        LoopOptions.check { LoopOptions.standard with RegisteredBuffers = slots })

                Expect.isTrue (reason :? ArgumentException) $"{slots}: {reason}"

            withLoopOf LinuxKernel.Instance { LoopOptions.standard with RegisteredBuffers = 2 } (fun host ->
                let buffers = [ make host 1; make host 1 ]
                let reason = failureOf (fun () -> make host 1)
                Expect.stringContains $"{reason}" "at most 2" "how many"
                List.iter (close host) buffers))

        testCase "slots come back, and there is an end of them" (fun () ->
            withLoop (fun host ->
                let buffers = [ for _ in 1..1024 -> make host 1 ]
                Expect.equal (buffers |> List.map _.Slot |> List.distinct |> List.length) 1024 "slots"
                let reason = failureOf (fun () -> make host 1)
                Expect.isTrue (reason :? InvalidOperationException) $"{reason}"
                close host buffers[500]
                let again = make host 1
                Expect.equal again.Slot buffers[500].Slot "the one that was free"
                close host again

                for index in 0..1023 do
                    if index <> 500 then close host buffers[index]))

        testCase "one that was dropped comes back when it is collected" (fun () ->
            withLoop (fun host ->
                let drop () =
                    for _ in 1..1024 do
                        make host 1 |> ignore

                drop ()

                eventually "a slot" (fun () ->
                    GC.Collect()
                    GC.WaitForPendingFinalizers()

                    match failureOf (fun () -> close host (make host 1)) with
                    | null -> true
                    | _ -> false)))
    ]

let private exchanging =
    testList "exchanged" [
        testCase "the slot goes on with other memory, when nobody names it any more" (fun () ->
            withLoop (fun host ->
                let pipe = runOn host Pipe.create
                let buffer = make host 100
                let read = waiting host pipe buffer CancellationToken.None
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                let own = Array.zeroCreate<byte> 200
                let exchanging = startOn host (RegisteredBuffer.exchange (Memory own) buffer)
                eventually "closed to new ones" (fun () -> buffer.IsClosed)
                let other = make host 100
                Expect.notEqual other.Slot buffer.Slot "another slot"
                Expect.isFalse exchanging.IsCompleted "waits"
                runOn host (File.writeNext pipe.Writer (ReadOnlyMemory "abc"B)) |> ignore
                Expect.equal (finish "read" read) 3 "into the old"
                let next = finish "exchanged" exchanging
                Expect.equal next.Slot buffer.Slot "the same slot"
                finished "the old" (buffer.Close())
                Expect.throwsT<ObjectDisposedException> (fun () -> buffer.Memory.Span.Clear()) "its memory"
                runOn host (File.writeNext pipe.Writer (ReadOnlyMemory "defg"B)) |> ignore

                Expect.equal
                    (finish "read" (waiting host pipe next CancellationToken.None))
                    4
                    "into the new"

                Expect.equal own[0..4] "defg\000"B "in place"

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> runOn host (RegisteredBuffer.exchange (Memory own) buffer) |> ignore)
                    "closed"

                close host next
                Expect.equal (make host 1).Slot next.Slot "free again"
                close host other
                runOn host (Pipe.close pipe)))

        testCase
            "memory that the kernel refuses: the slot is free, and both memories are given back"
            (fun () ->
                let kernel = FaultyKernel()

                withLoopOf kernel LoopOptions.standard (fun host ->
                    let buffer = make host 4096
                    let answers = Answer.times 1 (Answer.Before Errno.EFAULT)

                    kernel.OnRegister <-
                        fun opcode ->
                            if opcode = RegisterOpcode.BuffersUpdate then answers opcode else Answer.Real

                    let exchange = RegisteredBuffer.exchange (Memory(Array.zeroCreate<byte> 10)) buffer
                    let reason = failureOf (fun () -> runOn host exchange)
                    Expect.isTrue (reason :? NotSupportedException) $"{reason}"
                    finished "the old" (buffer.Close())
                    let again = make host 1
                    Expect.equal again.Slot buffer.Slot "the slot is free"
                    close host again)

                Expect.equal kernel.OpenMaps 0 "no memory is kept")

        testCase "a ring that ends meanwhile" (fun () ->
            let exchanging =
                withLoop (fun host ->
                    let pipe = runOn host Pipe.create
                    let buffer = make host 100
                    waiting host pipe buffer CancellationToken.None |> ignore
                    eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                    let own = Memory(Array.zeroCreate<byte> 10)
                    let exchanging = RegisteredBuffer.exchangeFor own buffer
                    eventually "closed to new ones" (fun () -> buffer.IsClosed)
                    exchanging)

            // Its slot was free before the ring was gone, or was not.
            match failureOf (fun () -> finish "exchange" exchanging |> RegisteredBuffer.whole) with
            | null -> finished "the new" (exchanging.Result.Close())
            | :? ObjectDisposedException -> ()
            | reason -> failtest $"{reason}")
    ]

let private broken =
    testList "a ring that fails" [
        testCase "answers a close that waits, and keeps what the kernel may write to" (fun () ->
            let kernel = FaultyKernel()
            let host = startLoop kernel LoopOptions.standard
            let pipe = runOn host Pipe.create
            let busy, idle = make host 100, make host 100
            let read = waiting host pipe busy CancellationToken.None
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            let closing = busy.Close()
            kernel.OnEnter <- Answer.always (Answer.Before Errno.EBADR)
            host.Loop.Post((fun _ -> ()), null)
            ended "read" read
            finished "closing" closing
            finished "closing again" (busy.Close())
            finished "one that is not in use" (idle.Close())
            eventually "the other's memory alone is kept" (fun () -> kernel.OpenMaps = 1))

        testCase "answers an exchange that waits" (fun () ->
            let kernel = FaultyKernel()
            let host = startLoop kernel LoopOptions.standard
            let pipe = runOn host Pipe.create
            let buffer = make host 100
            let read = waiting host pipe buffer CancellationToken.None
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            let exchanging = RegisteredBuffer.exchangeFor (Memory(Array.zeroCreate<byte> 10)) buffer
            eventually "closed to new ones" (fun () -> buffer.IsClosed)
            kernel.OnEnter <- Answer.always (Answer.Before Errno.EBADR)
            host.Loop.Post((fun _ -> ()), null)
            ended "read" read
            let reason = failureOf (fun () -> finish "exchange" exchanging |> RegisteredBuffer.whole)
            Expect.isTrue (reason :? ObjectDisposedException) $"{reason}")
    ]

let private cloning =
    testList "cloned" [
        case "the same memory on another ring, for as long as either wants it" (fun host folder ->
            withLoop (fun second ->
                let path = at folder "file"
                let first = filled host 6 1000
                let file = runOn second (File.create path)

                let reason =
                    failureOf (fun () ->
                        runOn second (File.writeRegistered file (RegisteredBuffer.whole first) 0L))

                Expect.isTrue (reason :? ArgumentException) $"another ring's: {reason}"
                let clone = runOn second (RegisteredBuffer.clone first)
                Expect.isTrue clone.IsRegistered "registered"
                runOn second (File.writeRegistered file (RegisteredBuffer.whole clone) 0L)
                Expect.equal (IO.File.ReadAllBytes path) (first.Memory.ToArray()) "written"
                let closing = first.Close()
                Expect.isFalse closing.IsCompleted "the clone has it still"

                Expect.equal
                    (runOn second (File.readRegistered file (RegisteredBuffer.slice 0 10 clone) 0L))
                    10
                    "read"

                close second clone
                finished "closing" closing))

        case "a kernel that cannot clone pins it once more" (fun host folder ->
            let kernel = FaultyKernel()

            kernel.OnRegister <-
                fun opcode ->
                    if opcode = RegisterOpcode.CloneBuffers then Answer.Before Errno.EINVAL else Answer.Real

            withLoopOf kernel LoopOptions.standard (fun second ->
                let first = filled host 7 1000
                let clone = runOn second (RegisteredBuffer.clone first)
                Expect.isTrue clone.IsRegistered "registered"
                let file = runOn second (File.create (at folder "file"))
                thereAndBack second file clone
                close second clone
                close host first))
    ]

let private refusing (opcode: RegisterOpcode) errno =
    let kernel = FaultyKernel()
    kernel.OnRegister <- fun asked -> if asked = opcode then Answer.Before errno else Answer.Real
    kernel

let private failing =
    testList "refused" [
        testCase "a kernel without tables: the same with plain memory" (fun () ->
            inFolder (fun folder ->
                withLoopOf (refusing RegisterOpcode.Buffers Errno.EINVAL) LoopOptions.standard (fun host ->
                    let file = runOn host (File.create (at folder "file"))
                    let buffer = filled host 8 1000
                    Expect.isFalse buffer.IsRegistered "not registered"
                    thereAndBack host file buffer

                    let parts: Memories = [|
                        RegisteredBuffer.slice 0 3 buffer
                        RegisteredBuffer.slice 9 4 buffer
                    |]

                    Expect.equal (runOn host (File.writeRegisteredVector file parts 0L)) 7 "several"
                    close host buffer)))

        testCase "a kernel with tables and without vectors on them: plain vectors" (fun () ->
            inFolder (fun folder ->
                let kernel = FaultyKernel(Hidden = [ Opcode.ReadVectorFixed; Opcode.WriteVectorFixed ])

                withLoopOf kernel LoopOptions.standard (fun host ->
                    let file = runOn host (File.create (at folder "file"))
                    let buffer = filled host 10 1000
                    Expect.isTrue buffer.IsRegistered "registered"
                    let part start length = RegisteredBuffer.slice start length buffer
                    let source: Memories = [| part 0 3; part 9 4 |]
                    let target: Memories = [| part 500 4; part 600 3 |]
                    Expect.equal (runOn host (File.writeRegisteredVector file source 0L)) 7 "written"
                    Expect.equal (runOn host (File.readRegisteredVector file target 0L)) 7 "read"
                    close host buffer)))

        for opcode, what in
            [ RegisterOpcode.Buffers, "the table"; RegisterOpcode.BuffersUpdate, "the buffer" ] do
            testCase $"{what} costs memory that may be locked" (fun () ->
                let kernel = refusing opcode Errno.ENOMEM

                withLoopOf kernel LoopOptions.standard (fun host ->
                    match failureOf (fun () -> make host 4096) with
                    | :? UringUnavailableException as reason ->
                        Expect.stringContains reason.Message "RLIMIT_MEMLOCK" "the cause"
                        Expect.stringContains reason.Message "ulimit -l" "and the remedy"
                    | reason -> failtest $"{reason}"

                    kernel.OnRegister <- Answer.real
                    close host (make host 4096))

                Expect.equal kernel.OpenMaps 0 "no memory is kept")

        testCase "a ring with restrictions has them, too" (fun () ->
            inFolder (fun folder ->
                let only = Restriction.only [ Opcode.OpenAt; Opcode.ReadFixed; Opcode.WriteFixed ]

                withLoopOf
                    LinuxKernel.Instance
                    { LoopOptions.standard with Restriction = ValueSome only }
                    (fun host ->
                        let file = runOn host (File.create (at folder "file"))
                        let buffer = filled host 11 1000
                        Expect.isTrue buffer.IsRegistered "registered"
                        thereAndBack host file buffer
                        close host buffer)))

        testCase "sizes, and parts that are none" (fun () ->
            withLoop (fun host ->
                let outOfRange name (body: unit -> 'T) =
                    Expect.isTrue (failureOf body :? ArgumentOutOfRangeException) name

                outOfRange "nothing" (fun () -> make host 0)
                outOfRange "too much" (fun () -> make host ((1 <<< 30) + 1))
                outOfRange "no memory" (fun () -> runOn host (RegisteredBuffer.adopt Memory.Empty))
                let buffer = make host 10

                for start, length in [ -1, 1; 0, -1; 11, 0; 5, 6 ] do
                    outOfRange $"{start}, {length}" (fun () ->
                        (RegisteredBuffer.slice start length buffer).Length)

                close host buffer))

        case "parts of two buffers, and none" (fun host folder ->
            let file = runOn host (File.create (at folder "file"))
            let one, other = make host 10, make host 10
            let both: Memories = [| RegisteredBuffer.whole one; RegisteredBuffer.whole other |]

            for parts in [ both; [||] ] do
                Expect.isTrue
                    (failureOf (fun () -> runOn host (File.readRegisteredVector file parts 0L))
                        :? ArgumentException)
                    "refused"

            close host one
            close host other)
    ]

let private facade =
    testList "C#" [
        Observe.inFolderCase "registered, used, cloned, disposed of" (fun folder ->
            task {
                use first = new global.Uring.Ring()
                use second = new global.Uring.Ring()
                let path = at folder "file"

                use! file =
                    global.Uring.UringFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite, first)

                use! buffer = first.RegisterBufferAsync 1000
                (pattern 9 1000).CopyTo buffer.Memory
                do! file.WriteAsync(buffer.Slice(0, 500), 0L)
                let! count = file.ReadAsync(buffer.Slice(500, 500), 0L)
                Expect.equal count 500 "read"
                Expect.equal (buffer.Memory.Slice(500).ToArray()) (pattern 9 500) "the same bytes"
                let parts = [| buffer.Slice(0, 3); buffer.Slice(10, 4) |]
                let! several = file.WriteSomeAsync(parts, 0L)
                let! back = file.ReadAsync(parts, 0L)
                Expect.equal (several, back, buffer.Length, buffer.IsRegistered) (7, 7, 1000, true) "several"
                let own = Array.zeroCreate<byte> 100
                use! adopted = first.RegisterBufferAsync(Memory own)
                let! _ = file.ReadAsync(adopted.ToRegisteredMemory(), 100L)
                Expect.equal own ((pattern 9 500)[100..199]) "in place"
                let! clone = buffer.CloneToAsync second

                let! reason =
                    Observe.raises<ArgumentException> "another ring's" (fun () ->
                        file.WriteAsync(clone.Slice(0, 1), 0L))

                Expect.equal reason.ParamName "memory" "which"
                do! clone.DisposeAsync()
                let other = Array.zeroCreate<byte> 50
                use! next = adopted.ExchangeAsync(Memory other)
                let! _ = file.ReadAsync(next.Slice(10, 40), 100L)

                Expect.equal
                    other
                    (Array.append (Array.zeroCreate 10) ((pattern 9 500)[100..139]))
                    "exchanged"

                let! _ =
                    Observe.raises<ObjectDisposedException> "exchanged before" (fun () ->
                        Observe.discard (adopted.ExchangeAsync(Memory own)))

                do! buffer.DisposeAsync()

                let! _ =
                    Observe.raises<ObjectDisposedException> "closed" (fun () ->
                        file.WriteAsync(buffer.Slice(0, 1), 0L))

                ()
            })
    ]

[<Tests>]
let tests =
    testList "Registered buffers" [ using; ending; exchanging; broken; cloning; failing; facade ]
