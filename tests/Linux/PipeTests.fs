/// Pipes made by the ring, or by a system call where it cannot; splice and tee between all sorts of ends.
// Length: each case by both kinds of pipe, in the process and in the ring's table.
module Uring.Tests.Linux.PipeTests

open System
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File
type private Facade = global.Uring.UringPipe
type private Modes = global.Uring.PipeModes

let private slots = 4

let private withTable kernel body =
    withLoopOf kernel { LoopOptions.standard with DirectDescriptors = slots } body

/// Every kernel: with the opcode, and without.
let private kernels: (string * (unit -> IKernel)) list = [
    "6.18", (fun () -> LinuxKernel.Instance)
    "6.15", (fun () -> FaultyKernel(Hidden = [ Opcode.Pipe ]) :> IKernel)
]

let private everywhere name (body: LoopThread -> unit) = [
    for kernel, make in kernels do
        testCase $"{name} ({kernel})" (fun () -> withTable (make ()) body)
]

let private case name (body: LoopThread -> unit) =
    testCase name (fun () -> withTable LinuxKernel.Instance body)

let private bytes (text: string) = ReadOnlyMemory(Text.Encoding.UTF8.GetBytes text)

/// Up to 20 bytes, as text.
let private next (file: File) : Uring<string> =
    uring {
        let buffer = Memory(Array.zeroCreate<byte> 20)
        let! count = File.readNext file buffer
        return Text.Encoding.UTF8.GetString(buffer.Span.Slice(0, count))
    }

/// The numbers of a new pipe are the lowest free ones: the same as before when nothing was left open.
let private numbers host =
    runOn
        host
        (uring {
            let! pipe = Pipe.create
            let numbers = pipe.Reader.Descriptor.Number, pipe.Writer.Descriptor.Number
            do! Pipe.close pipe
            return numbers
        })

let private making =
    testList "create" [
        yield!
            everywhere "what goes in comes out, and then the end" (fun host ->
                let program =
                    uring {
                        use! pipe = Pipe.create
                        let! count = File.writeNext pipe.Writer (bytes "through")
                        Expect.equal count 7 "written"
                        let! text = next pipe.Reader
                        Expect.equal text "through" "read"
                        do! File.close pipe.Writer
                        let! text = next pipe.Reader
                        Expect.equal text "" "the end"
                    }

                runOn host program)

        yield!
            everywhere "whoever reads waits, and nobody reads what nobody can write" (fun host ->
                let program =
                    uring {
                        use! pipe = Pipe.create
                        let! reading = Uring.spawn (next pipe.Reader)
                        let! _ = File.writeNext pipe.Writer (bytes "late")
                        let! text = reading
                        Expect.equal text "late" "read"
                        do! File.close pipe.Reader

                        let! result =
                            Uring.attempt (FileRequest.writeNext pipe.Writer.Descriptor (bytes "x"))

                        Expect.equal (Errno.ofResult result) Errno.EPIPE "no reader"
                    }

                runOn host program)

        yield!
            everywhere "leaves nothing open, closed or cancelled too late" (fun host ->
                let before = numbers host

                for _ in 1..50 do
                    use source = new CancellationTokenSource()
                    let request = FileRequest.pipe PipeModes.None
                    let running = startAs host request source.Token
                    source.Cancel()

                    match failureOf (fun () -> finish "pipe" running) with
                    | null ->
                        // It was made all the same: both ends are there to be closed.
                        let struct (reader, writer) = Pipe.own host.Loop PipeModes.None request

                        for descriptor in [ reader; writer ] do
                            host.Loop.CloseDescriptor(descriptor).AsTask() |> finish "close" |> ignore
                    | :? OperationCanceledException ->
                        let struct (reader, writer) = FileRequest.pipeEnds request
                        Expect.equal (reader, writer) (0, 0) "none was made"
                    | other -> failtest $"{other}"

                Expect.equal (numbers host) before "numbers")

        case "cancelled before, it is not made" (fun host ->
            let before = numbers host
            let running = startAs host (FileRequest.pipe PipeModes.None) (CancellationToken true)

            match failureOf (fun () -> finish "pipe" running) with
            | :? OperationCanceledException -> ()
            | other -> failtest $"{other}"

            Expect.equal (numbers host) before "numbers")

        testCase "the system call's refusal is the operation's" (fun () ->
            let refused _ = Answer.Before Errno.EMFILE

            withLoopOf (FaultyKernel(Hidden = [ Opcode.Pipe ], OnStandIn = refused)) small (fun host ->
                match failureOf (fun () -> runOn host Pipe.create) with
                | :? IOException as reason -> Expect.equal reason.HResult 24 "EMFILE"
                | other -> failtest $"{other}"))

        case "direct: both ends work, and their slots are free again" (fun host ->
            let program =
                uring {
                    for _ in 1..slots do
                        use! pipe = Pipe.createWith PipeModes.Direct

                        Expect.isTrue
                            (pipe.Reader.Descriptor.IsDirect && pipe.Writer.Descriptor.IsDirect)
                            "direct"

                        let! _ = File.writeNext pipe.Writer (bytes "slot")
                        let! text = next pipe.Reader
                        Expect.equal text "slot" "read"
                }

            runOn host program)

        case "direct: with room for one end only, none is kept" (fun host ->
            let program =
                uring {
                    let! one = Pipe.createWith PipeModes.Direct
                    let! other = Pipe.createWith PipeModes.Direct
                    do! File.close other.Writer
                    let! result = Uring.attempt (FileRequest.pipe PipeModes.Direct)
                    Expect.equal (Errno.ofResult result) Errno.ENFILE "one slot is free"
                    do! File.close other.Reader
                    let! again = Pipe.createWith PipeModes.Direct

                    for pipe in [ one; again ] do
                        do! Pipe.close pipe
                }

            runOn host program)

        testCase "direct: not without a table, and not before 6.16" (fun () ->
            withLoop (fun host ->
                Expect.equal (errnoOf host (FileRequest.pipe PipeModes.Direct)) Errno.ENFILE "no table")

            withTable (FaultyKernel(Hidden = [ Opcode.Pipe ])) (fun host ->
                match failureOf (fun () -> runOn host (Pipe.createWith PipeModes.Direct)) with
                | :? PlatformNotSupportedException as reason ->
                    Expect.stringContains reason.Message "6.16" "version"
                | other -> failtest $"{other}"))

        case "a mode that there is not" (fun host ->
            Expect.equal (errnoOf host (FileRequest.pipe (enum 1))) Errno.EINVAL "errno")

        yield!
            everywhere "packets: what is written at once is read at once" (fun host ->
                let program =
                    uring {
                        use! pipe = Pipe.createWith PipeModes.Packets

                        for text in [ "one"; "two" ] do
                            let! _ = File.writeNext pipe.Writer (bytes text)
                            ()

                        let! first = next pipe.Reader
                        let! second = next pipe.Reader
                        Expect.equal (first, second) ("one", "two") "packets"
                    }

                runOn host program)
    ]

/// Pipes whose ends have numbers, and pipes of the ring's own table.
let private splicing =
    testList "splice and tee" [
        for modes in [ PipeModes.None; PipeModes.Direct ] do
            testCase $"a file through a pipe to another, by {modes}" (fun () ->
                inFolder (fun folder ->
                    withTable LinuxKernel.Instance (fun host ->
                        Bcl.WriteAllText(at folder "source", "0123456789")

                        let program =
                            uring {
                                use! pipe = Pipe.createWith modes
                                let! source = File.openRead (at folder "source")
                                let! target = File.create (at folder "target")
                                let! into = File.splice source 2L pipe.Writer -1L 5
                                let! out = File.splice pipe.Reader -1L target 1L 5
                                Expect.equal (into, out) (5, 5) "moved"
                                do! File.close pipe.Writer
                                let! last = File.splice pipe.Reader -1L target -1L 5
                                Expect.equal last 0 "the end"
                                do! File.close source
                                do! File.close target
                            }

                        runOn host program
                        Expect.equal (Bcl.ReadAllText(at folder "target")) "\00023456" "bytes")))

            case $"tee leaves what it copies, by {modes}" (fun host ->
                let program =
                    uring {
                        use! one = Pipe.createWith modes
                        use! other = Pipe.createWith modes
                        let! _ = File.writeNext one.Writer (bytes "both")
                        let! count = Pipe.tee one.Reader other.Writer 10
                        Expect.equal count 4 "copied"
                        let! first = next one.Reader
                        let! second = next other.Reader
                        Expect.equal (first, second) ("both", "both") "both have it"
                    }

                runOn host program)

            case $"who waits for a connection holds up nobody at the pipe, by {modes}" (fun host ->
                let struct (ours, theirs) = connectPair host
                let pipe = runOn host (Pipe.createWith modes)
                let into = startOn host (Socket.spliceTo ours pipe.Writer 100)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                let buffer = Array.zeroCreate<byte> 100
                let read = startOn host (File.readNext pipe.Reader (Memory buffer))
                // A splice that waits has the lock of its pipe, and a read there would stop the ring's thread.
                runOn host Uring.nop |> ignore
                theirs.Send [| 1uy; 2uy; 3uy |] |> ignore
                Expect.equal (finish "into" into, finish "read" read) (3, 3) "moved"
                theirs.Dispose()
                runOn host (Pipe.close pipe)
                runOn host (Socket.close ours))

            case $"a connection to a pipe and back, by {modes}" (fun host ->
                let struct (ours, theirs) = connectPair host

                let program =
                    uring {
                        use! pipe = Pipe.createWith modes
                        theirs.Send "echo"B |> ignore
                        let! into = Socket.spliceTo ours pipe.Writer 100
                        let! out = Socket.spliceFrom pipe.Reader ours 100
                        Expect.equal (into, out) (4, 4) "moved"
                    }

                runOn host program
                let answer = Array.zeroCreate<byte> 4
                Expect.equal (theirs.Receive answer, answer) (4, "echo"B) "back"
                theirs.Dispose()
                runOn host (Socket.close ours))

        case "one that waits is cancelled, and takes nothing" (fun host ->
            let pipe = runOn host Pipe.create
            let other = runOn host Pipe.create
            let reader, writer = pipe.Reader.Descriptor, other.Writer.Descriptor

            for request in [ FileRequest.splice reader -1L writer -1L 10; FileRequest.tee reader writer 10 ] do
                use source = new CancellationTokenSource()
                let running = startAs host request source.Token
                // It waits on a worker.
                eventually "begun" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()

                match failureOf (fun () -> finish "splice" running) with
                | :? OperationCanceledException -> ()
                | failure -> failtest $"{failure}"

            let write = FileRequest.writeNext pipe.Writer.Descriptor (bytes "kept")
            Expect.equal (attempt host write) 4 "written"
            Expect.equal (runOn host (next pipe.Reader)) "kept" "still there"
            runOn host (Pipe.close pipe)
            runOn host (Pipe.close other))

        case "ends of different rings are refused" (fun host ->
            withLoop (fun elsewhere ->
                let pipe = runOn host Pipe.create
                let other = runOn elsewhere Pipe.create

                let attempts = [
                    fun () ->
                        FileRequest.splice pipe.Reader.Descriptor -1L other.Writer.Descriptor -1L 1
                        |> ignore
                    fun () -> FileRequest.tee pipe.Reader.Descriptor other.Writer.Descriptor 1 |> ignore
                ]

                for attempt in attempts do
                    Expect.throwsT<ArgumentException> attempt "refused"

                runOn host (Pipe.close pipe)
                runOn elsewhere (Pipe.close other)))
    ]

let private facade =
    testList "C#" [
        Observe.tidyCase "a pipe" (fun () ->
            task {
                use! pipe = Facade.CreateAsync()
                do! pipe.Writer.WriteNextAllAsync(bytes "through")
                let buffer = Memory(Array.zeroCreate<byte> 20)
                let! count = pipe.Reader.ReadNextAsync buffer
                Expect.equal (buffer.Slice(0, count).ToArray()) "through"B "read"
                let wrongly () = Observe.discard (pipe.Reader.WriteNextAsync(bytes "x"))
                let! _ = Observe.raises<NotSupportedException> "the wrong end" wrongly
                let wrongly () = Observe.discard (pipe.Writer.ReadNextAsync buffer)
                let! _ = Observe.raises<NotSupportedException> "the wrong end" wrongly

                let! _ =
                    Observe.raises<ArgumentOutOfRangeException> "a mode" (fun () ->
                        Observe.discard (Facade.CreateAsync(enum 1)))

                do! pipe.Reader.DisposeAsync()

                let! reason =
                    Observe.raises<IOException> "no reader" (fun () ->
                        pipe.Writer.WriteNextAllAsync(bytes "x"))

                Expect.equal reason.HResult 32 "EPIPE"
            })

        Observe.tidyCase "a pipe as a stream of leases, to its end" (fun () ->
            task {
                use! pipe = Facade.CreateAsync()
                let seen = ResizeArray<byte>()
                let wrongly () = ValueTask(task { pipe.Writer.ReadAllAsync() |> ignore })
                let! _ = Observe.raises<NotSupportedException> "the wrong end" wrongly
                do! pipe.Writer.WriteNextAllAsync(bytes "first")
                let leases = pipe.Reader.ReadAllAsync().GetAsyncEnumerator()
                let! more = leases.MoveNextAsync()
                Expect.isTrue more "something"
                seen.AddRange(leases.Current.Span.ToArray())
                leases.Current.Dispose()
                do! pipe.Writer.WriteNextAllAsync(bytes "second")
                do! pipe.Writer.DisposeAsync()
                let mutable goes = true

                while goes do
                    let! more = leases.MoveNextAsync()

                    if more then
                        seen.AddRange(leases.Current.Span.ToArray())
                        leases.Current.Dispose()

                    goes <- more

                do! leases.DisposeAsync()
                Expect.equal (seen.ToArray()) "firstsecond"B "all of it"
            })

        Observe.inFolderCase "a file, a pipe, another pipe" (fun folder ->
            task {
                Bcl.WriteAllText(at folder "file", "0123456789")
                use! file = global.Uring.UringFile.OpenAsync(at folder "file")
                use! one = Facade.CreateAsync()
                use! other = Facade.CreateAsync()
                let! into = file.SpliceAsync(one.Writer, 4, 3L)
                let! copied = one.Reader.TeeAsync(other.Writer, 10)
                Expect.equal (into, copied) (4, 4) "moved"
                let buffer = Memory(Array.zeroCreate<byte> 20)

                for pipe in [ one; other ] do
                    let! count = pipe.Reader.ReadNextAsync buffer
                    Expect.equal (buffer.Slice(0, count).ToArray()) "3456"B "read"

                let nothing () = Observe.discard (file.SpliceAsync(one.Writer, 0))
                let! _ = Observe.raises<ArgumentOutOfRangeException> "nothing" nothing
                let files () = Observe.discard (file.SpliceAsync(file, 1))
                let! _ = Observe.raises<NotSupportedException> "not open to write" files
                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Pipe" [ making; splicing; facade ]
