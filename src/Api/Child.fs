// Waits for child processes: waitid(2) by way of the ring.
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Diagnostics
open System.IO
open System.IO.Pipes
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Microsoft.Win32.SafeHandles
open Uring.Driver
open Uring.Kernel
open Uring.Model

/// Changes of a child that can be waited for.
[<Flags>]
type ChildEvents =
    | None = 0
    /// A signal has stopped it (WSTOPPED).
    | Stopped = 2
    /// It has ended, by itself or by a signal (WEXITED).
    | Exited = 4
    /// A signal has let it go on (WCONTINUED).
    | Continued = 8

/// Whom to wait for.
[<Struct; RequireQualifiedAccess>]
type Children =
    /// Any child of this process (P_ALL).
    | All
    /// Any that is in a process group, 0 for this process's own (P_PGID).
    | Group of group: int
    /// One, by its process id (P_PID).
    | One of id: int

/// What has happened to a child.
type ChildChange =
    /// It has ended by itself.
    | Exited = 1
    /// A signal has ended it.
    | Killed = 2
    /// A signal has ended it, with a core dump.
    | Dumped = 3
    /// Its tracer has stopped it.
    | Trapped = 4
    /// A signal has stopped it.
    | Stopped = 5
    /// SIGCONT has let it go on.
    | Continued = 6

/// What became of a child.
[<Struct; IsReadOnly>]
type ChildStatus = {
    /// Its process id.
    Id: int
    /// Its real user.
    UserId: int
    /// What has happened.
    Change: ChildChange
    /// The exit code (0 to 255) when it has exited, otherwise the signal's number.
    Status: int
}

/// What a child did from its start to its end.
type ChildOutcome = {
    /// How it ended.
    Status: ChildStatus
    /// What it wrote to standard output, when that was redirected.
    Output: byte array
    /// What it wrote to standard error, when that was redirected.
    Error: byte array
}

/// Waiting for child processes (Linux 6.7). man waitid(2), io_uring_prep_waitid(3).
///
/// .NET reaps the children that `Process` has started, as soon as they end. What waits here leaves a child as it is, unless
/// `reap` is asked for, so that .NET can still do so; but .NET can be quicker, and then there is no such child any more:
/// ECHILD. For children of `Process` wait with its `WaitForExitAsync`; stops and continues are never .NET's.
[<RequireQualifiedAccess>]
module Child =

    /// struct siginfo_t: what waitid(2) sets of it lies in the first 28 bytes.
    let private infoLength = 128

    let internal room () = Array.zeroCreate<byte> infoLength

    /// `info` gets the siginfo_t.
    let internal request kind (id: int) (events: ChildEvents) (options: uint32) (info: byte array) : Request =
        if events = ChildEvents.None then
            raise (ArgumentException("There is nothing to wait for.", nameof events))

        let options = uint32 events ||| options

        {
            Request.bare (Submission.waitId kind id options 0UL) with
                Buffer = Memory info
                Reach = Reach.Offset
        }

    /// si_code @8, si_pid @16, si_uid @20, si_status @24.
    let internal readStatus (info: byte array) : ChildStatus =
        let word (offset: int) = BinaryPrimitives.ReadInt32LittleEndian(ReadOnlySpan(info, offset, 4))

        { Id = word 16; UserId = word 20; Change = enum<ChildChange>(word 8); Status = word 24 }

    /// si_signo @0 is SIGCHLD, or 0 when nothing has happened (WNOHANG).
    let internal hasHappened (info: byte array) : bool = BinaryPrimitives.ReadInt32LittleEndian info <> 0

    let private perform kind id events options : Uring<ChildStatus> =
        uring {
            let info = room ()
            let! _ = Program.single (request kind id events options info)
            return readStatus info
        }

    /// The kernel's kind and number for them.
    let internal named (children: Children) : struct (uint32 * int) =
        match children with
        | Children.All -> struct (OpFlags.WaitAll, 0)
        | Children.Group group ->
            ArgumentOutOfRangeException.ThrowIfNegative(group, nameof group)
            struct (OpFlags.WaitGroup, group)
        | Children.One id ->
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(id, nameof id)
            struct (OpFlags.WaitProcess, id)

    let private among (children: Children) events options =
        let struct (kind, id) = named children
        perform kind id events options

    let private atOnce (children: Children) (events: ChildEvents) options : Uring<ChildStatus voption> =
        uring {
            let struct (kind, id) = named children
            let info = room ()
            let! _ = Program.single (request kind id events (OpFlags.WaitNever ||| options) info)
            return if hasHappened info then ValueSome(readStatus info) else ValueNone
        }

    /// Waits until one of the events has happened to the child with this process id, and leaves it as it is: whoever waits
    /// next is told the same.
    let wait (events: ChildEvents) (id: int) : Uring<ChildStatus> =
        among (Children.One id) events OpFlags.WaitKeep

    /// Waits until one of the events has happened to the child with this process id, and takes note of it: a child that has
    /// ended is gone then. Not for children of `Process`, which .NET reaps.
    let reap (events: ChildEvents) (id: int) : Uring<ChildStatus> = among (Children.One id) events 0u

    /// Waits until one of the events has happened to one of several children, and leaves it as it is: whoever waits next
    /// is told of the same one. ECHILD (10) when there is none.
    let waitAmong (events: ChildEvents) (children: Children) : Uring<ChildStatus> =
        among children events OpFlags.WaitKeep

    /// As `waitAmong`, and takes note of it: a child that has ended is gone then. `Children.All` means those of
    /// `Process`, too, which .NET wants to reap itself.
    let reapAmong (events: ChildEvents) (children: Children) : Uring<ChildStatus> = among children events 0u

    /// As `waitAmong`, without waiting: nothing when none of the events has happened yet.
    let tryWait (events: ChildEvents) (children: Children) : Uring<ChildStatus voption> =
        atOnce children events OpFlags.WaitKeep

    /// As `reapAmong`, without waiting: nothing when none of the events has happened yet.
    let tryReap (events: ChildEvents) (children: Children) : Uring<ChildStatus voption> =
        atOnce children events 0u

    let private byDescriptor events options (child: SafeHandle) : Uring<ChildStatus> =
        uring {
            let descriptor = Poll.hold child

            try
                return! perform OpFlags.WaitDescriptor descriptor events options
            finally
                child.DangerousRelease()
        }

    /// As `wait`, by a descriptor of the child (pidfd_open(2)): the number of a process can be given to another, a
    /// descriptor cannot.
    let waitOn (events: ChildEvents) (child: SafeHandle) : Uring<ChildStatus> =
        byDescriptor events OpFlags.WaitKeep child

    /// As `reap`, by a descriptor of the child.
    let reapOn (events: ChildEvents) (child: SafeHandle) : Uring<ChildStatus> = byDescriptor events 0u child

    // ---- signals to children

    /// A descriptor of a process (Linux 5.3), any process: its number can be given to another, this cannot. man pidfd_open(2).
    let openProcess (id: int) : SafeFileHandle =
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(id, nameof id)
        let descriptor = ProcessKernel.Current.OpenProcess id

        if descriptor < 0 then raise (Fault.ofCall "pidfd_open" (string id) descriptor "")

        new SafeFileHandle(nativeint descriptor, true)

    /// Sends a signal by a descriptor of the process. man pidfd_send_signal(2). One that has ended is an error (ESRCH, 3).
    let signal (child: SafeHandle) (signal: PosixSignal) : unit =
        let number = Signals.number signal
        let descriptor = Poll.hold child

        try
            let result = ProcessKernel.Current.Signal(descriptor, number)
            if result < 0 then raise (Fault.ofCall "pidfd_send_signal" null result "")
        finally
            child.DangerousRelease()

    /// Sends a signal to a child of `Process`, and to nobody else: not to another process that has got its number meanwhile.
    /// InvalidOperationException when it has ended.
    let signalProcess (``process``: Process) (number: PosixSignal) : unit =
        Signals.number number |> ignore

        try
            use descriptor = openProcess ``process``.Id
            // Not reaped yet after that: the number was still its own.
            if ``process``.HasExited then raise (IOException("It has ended.", int Errno.ESRCH))
            signal descriptor number
        with :? IOException as reason when reason.HResult = int Errno.ESRCH ->
            raise (InvalidOperationException("The process has ended.", reason))

    let private signalMany (group: int) (signal: PosixSignal) =
        let result = ProcessKernel.Current.SignalMany(group, Signals.number signal)
        if result < 0 then raise (Fault.ofCall "kill" (string group) result "")

    /// Sends a signal to every process of a group, 0 for this process's own (man kill(2)). A group in which nobody is left
    /// is an error (ESRCH, 3).
    let signalGroup (group: int) (signal: PosixSignal) : unit =
        ArgumentOutOfRangeException.ThrowIfNegative(group, nameof group)

        // Minus one is everybody.
        if group = 1 then
            raise (
                ArgumentException("kill(2) has no way to name group 1: it would be everybody.", nameof group)
            )

        signalMany -group signal

    /// Sends a signal to every process that this one may signal, but itself and process 1 (man kill(2)): inside a
    /// container that is its last resort, outside of one it is the whole session and more.
    let signalAll (signal: PosixSignal) : unit = signalMany -1 signal

    // ---- from start to end

    /// Reads a pipe to its end.
    let private readAll (loop: Loop) (handle: SafeHandle) (token: CancellationToken) : Task<byte array> =
        task {
            let descriptor = Poll.hold handle

            try
                let all = new MemoryStream()
                let room = Memory(Array.zeroCreate<byte> 16_384)
                let mutable more = true

                while more do
                    let mutable request = {
                        Request.bare (
                            Submission.read descriptor 0UL (uint32 room.Length) OpFlags.CurrentPosition
                        ) with
                            Buffer = room
                            Reach = Reach.Address
                    }

                    let! count = loop.Start(&request, token)
                    more <- count > 0
                    all.Write(room.Span.Slice(0, count))

                return all.ToArray()
            finally
                handle.DangerousRelease()
        }

    let private read loop (isRedirected: bool) (reader: unit -> StreamReader) token : Task<byte array> =
        if not isRedirected then
            Task.FromResult [||]
        else
            match reader().BaseStream with
            | :? AnonymousPipeClientStream as pipe -> readAll loop pipe.SafePipeHandle token
            // Another .NET may have another stream.
            | other ->
                task {
                    let all = new MemoryStream()
                    do! other.CopyToAsync(all, token)
                    return all.ToArray()
                }

    /// When .NET was quicker its exit code counts, which is 128 + n after signal n.
    let private whenEnded (loop: Loop) (started: Process) (token: CancellationToken) : Task<ChildStatus> =
        task {
            let info = room ()

            let mutable request =
                request OpFlags.WaitProcess started.Id ChildEvents.Exited OpFlags.WaitKeep info

            let! result = loop.TryStart(&request, token)

            match Errno.ofResult result with
            | Errno.ECHILD ->
                do! started.WaitForExitAsync token

                return { Id = started.Id; UserId = 0; Change = ChildChange.Exited; Status = started.ExitCode }
            | _ when result >= 0 -> return readStatus info
            | _ -> return raise (Fault.ofResult Opcode.WaitId null result token)
        }

    let internal runOn
        (loop: Loop)
        (start: ProcessStartInfo)
        (token: CancellationToken)
        : Task<ChildOutcome> =
        task {
            token.ThrowIfCancellationRequested()
            ObjectDisposedException.ThrowIf(loop.IsStopping, typeof<Loop>)
            use started = new Process(StartInfo = start)
            started.Start() |> ignore

            try
                if start.RedirectStandardInput then started.StandardInput.Close()

                let output = read loop start.RedirectStandardOutput (fun () -> started.StandardOutput) token
                let errors = read loop start.RedirectStandardError (fun () -> started.StandardError) token
                let ending = whenEnded loop started token
                do! Task.WhenAll(output :> Task, errors, ending)
                return { Status = ending.Result; Output = output.Result; Error = errors.Result }
            with reason ->
                // Nobody else knows it: it would be left behind.
                if not started.HasExited then started.Kill()
                do! started.WaitForExitAsync()
                return raise reason
        }

    /// Runs a program from its start to its end. What is redirected of its output is read by the ring; standard input, if
    /// redirected, is empty. Cancelling kills it (SIGKILL, not those that it has started) and waits for its end. When .NET reaps
    /// it before the kernel was asked, its exit code is .NET's: 128 + n after signal n.
    let run (start: ProcessStartInfo) : Uring<ChildOutcome> =
        Program.ofScope (fun scope -> ValueTask<ChildOutcome>(runOn scope.Loop start scope.Token))
