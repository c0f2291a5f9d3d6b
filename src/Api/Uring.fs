// Runs programs and combines them: the functions that a script starts with.
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// Running programs and combining them.
[<RequireQualifiedAccess>]
module Uring =

    /// As `startOn`, for those who know the loop alone.
    let internal startIn (loop: Loop) (token: CancellationToken) (program: Uring<'T>) : Task<'T> =
        let ended = TaskCompletionSource<'T>(TaskCreationOptions.RunContinuationsAsynchronously)

        let run (_: obj | null) =
            task {
                try
                    let body (scope: Scope) = program.Start(scope).AsTask()
                    let! result = Concurrent.within loop token body
                    ended.SetResult result
                with
                | :? OperationCanceledException when token.IsCancellationRequested ->
                    ended.TrySetCanceled token |> ignore
                | reason -> ended.SetException reason
            }
            |> ignore

        ObjectDisposedException.ThrowIf(loop.IsStopping, typeof<LoopHost>)
        loop.Post(SendOrPostCallback run, null)
        ended.Task

    /// Starts a program on a loop, from any thread. The task runs its continuations elsewhere, so that a caller who
    /// blocks cannot block the loop.
    let startOn (host: LoopHost) (token: CancellationToken) (program: Uring<'T>) : Task<'T> =
        startIn host.Loop token program

    /// Starts a program on the process's shared ring.
    let start (program: Uring<'T>) : Task<'T> = startOn Hosting.DefaultLoop CancellationToken.None program

    /// Runs a program on a ring of your own and waits for its result.
    let runOn (host: LoopHost) (token: CancellationToken) (program: Uring<'T>) : 'T =
        match Loop.Current with
        | null -> (startOn host token program).GetAwaiter().GetResult()
        | _ ->
            raise (
                InvalidOperationException
                    "Uring.run blocks until its program has ended, and this is a ring's own thread: use let! or return! inside uring { } instead."
            )

    /// Runs a program on the process's shared ring and waits for its result. Errors are raised here.
    let run (program: Uring<'T>) : 'T = runOn Hosting.DefaultLoop CancellationToken.None program

    /// One operation, for what the modules do not offer. Errors are exceptions.
    let perform (request: Request) : Uring<int> = Program.single request

    /// One operation. Errors are negative results: for hot paths on which failing is ordinary.
    let attempt (request: Request) : Uring<int> = Program.attempt request

    /// Does nothing, by way of the kernel.
    let nop: Uring<int> = perform (Request.bare (Submission.nop ()))

    /// Ends with this result, by way of the kernel (Linux 6.10, PlatformNotSupportedException before): an error number,
    /// negative, is raised as if an operation had met it. For tests of what a result leads to. More: `Nop`.
    let nopWith (result: int) : Uring<int> =
        Program.ofScope (fun scope ->
            match Features.missingForNop OpFlags.InjectResult scope.Loop.Plan with
            | ValueSome since -> raise (Fault.tooOldFor "results of one's choice" since)
            | ValueNone ->
                let started = perform (Request.bare (Submission.nopWith result))
                started.Start scope)

    /// What cancels the running program.
    let token: Uring<CancellationToken> =
        Program.ofScope (fun scope -> ValueTask<CancellationToken> scope.Token)

    /// The loop that the program runs on.
    let loop: Uring<Loop> = Program.ofScope (fun scope -> ValueTask<Loop> scope.Loop)

    /// Asks for the end of every operation that is in flight on the program's ring or waits to go on, whoever started it;
    /// the result counts them. They end with OperationCanceledException, or with what they have done by then. Descriptors
    /// that are being closed go on. man io_uring_prep_cancel(3).
    let cancelAll: Uring<int> = Program.ofScope (fun scope -> Cancel.all scope.Loop)

    /// As `cancelAll`, for operations of one sort.
    let cancelAllOf (opcode: Opcode) : Uring<int> =
        Program.ofScope (fun scope -> Cancel.ofOpcode opcode scope.Loop)

    /// As `cancelAll`, and the kernel waits until each has ended before it goes on, for `limit` at most; after the first that
    /// has not ended by then it waits for none (Linux 6.0; older kernels do not wait at all). Until then the ring's thread
    /// does nothing else: for the moment before memory goes away, or a file system. man io_uring_register_sync_cancel(3).
    let cancelAllNow (limit: TimeSpan) : Uring<CancelCount> =
        Program.ofScope (fun scope -> Cancel.allNow limit scope.Loop)

    /// As `cancelAllNow`, for operations of one sort.
    let cancelAllOfNow (opcode: Opcode) (limit: TimeSpan) : Uring<CancelCount> =
        Program.ofScope (fun scope -> Cancel.ofOpcodeNow opcode limit scope.Loop)

    /// A program that does nothing and has this result.
    let result (value: 'T) : Uring<'T> = Program.ofScope (fun _ -> ValueTask<'T> value)

    /// Changes the result.
    let map (change: 'T -> 'U) (program: Uring<'T>) : Uring<'U> =
        uring {
            let! value = program
            return change value
        }

    /// Runs it for its effect.
    let discard (program: Uring<'T>) : Uring<unit> = map ignore program

    /// The result, or the exception.
    let catch (program: Uring<'T>) : Uring<Result<'T, exn>> =
        uring {
            try
                let! value = program
                return Ok value
            with reason ->
                return Error reason
        }

    /// Runs all at once; the results come in their order. If one fails the others are cancelled, and awaited.
    let ``parallel`` (programs: Uring<'T> seq) : Uring<'T array> = Concurrent.all programs

    /// Starts a program beside the running one, with the same cancellation. The scope (the surrounding `run`, `parallel`
    /// or `timeout`) waits for it before it ends. Its failure is the task's: await it, or catch it in the program.
    let spawn (program: Uring<'T>) : Uring<Task<'T>> =
        Program.ofScope (fun scope -> ValueTask<Task<'T>>(Concurrent.spawn scope program))

    /// struct __kernel_timespec.
    let private timespec (span: TimeSpan) =
        let bytes = Array.zeroCreate<byte> 16
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan 0, span.Ticks / TimeSpan.TicksPerSecond)

        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan 8, span.Ticks % TimeSpan.TicksPerSecond * 100L)

        bytes

    let private over (bytes: byte array) submission = {
        Request.bare submission with
            Buffer = Memory bytes
            Reach = Reach.Address
    }

    let private checkedTimespec (parameter: string) (span: TimeSpan) =
        ArgumentOutOfRangeException.ThrowIfLessThan(span, TimeSpan.Zero, parameter)
        timespec span

    /// A timer as a request. It ends with -ETIME, which breaks a chain.
    let timer (delay: TimeSpan) : Request =
        over (checkedTimespec (nameof delay) delay) (Submission.timeout 0UL 0u)

    let private clockFlags (clock: Clock) =
        match clock with
        | Clock.Monotonic -> 0u
        | Clock.BootTime -> OpFlags.TimeoutBootTime
        | Clock.RealTime -> OpFlags.TimeoutRealTime
        // What is no clock is a caller's mistake.
        | _ -> raise (ArgumentOutOfRangeException(nameof clock))

    /// A timer that counts by another clock, as a request (Linux 5.15).
    let timerBy (clock: Clock) (delay: TimeSpan) : Request =
        over (checkedTimespec (nameof delay) delay) (Submission.timeout 0UL (clockFlags clock))

    /// A timer that ends when a clock shows `time`, counted from where the clock starts (the time of day: from 1970 UTC).
    /// At once when that is past. It ends with -ETIME, which breaks a chain.
    let deadline (clock: Clock) (time: TimeSpan) : Request =
        over
            (checkedTimespec (nameof time) time)
            (Submission.timeout 0UL (clockFlags clock ||| OpFlags.TimeoutAbsolute))

    /// As the clock of the time of day counts.
    let internal sinceEpoch (time: DateTimeOffset) : TimeSpan =
        let since = time - DateTimeOffset.UnixEpoch
        if since < TimeSpan.Zero then TimeSpan.Zero else since

    /// A timer that ends at this time of day, as a request (Linux 5.15). When the clock is set, it ends by the new time.
    let alarm (time: DateTimeOffset) : Request = deadline Clock.RealTime (sinceEpoch time)

    /// In Linux a timestamp is CLOCK_MONOTONIC in nanoseconds. Rounded up: never early.
    let internal ofTimestamp (timestamp: int64) : TimeSpan =
        let timestamp = max 0L timestamp
        TimeSpan.FromTicks(timestamp / 100L + (if timestamp % 100L = 0L then 0L else 1L))

    /// A timer that ends when `Stopwatch.GetTimestamp()` is `timestamp`, as a request.
    let alarmAtTimestamp (timestamp: int64) : Request = deadline Clock.Monotonic (ofTimestamp timestamp)

    /// In a chain: waits, and then goes on (Linux 5.16). The step's outcome is ETIME.
    let pause (delay: TimeSpan) : Request =
        over (checkedTimespec (nameof delay) delay) (Submission.timeout 0UL OpFlags.TimeoutSuccess)

    /// In a chain: bounds the step before it.
    let within (span: TimeSpan) : Request =
        over (checkedTimespec (nameof span) span) (Submission.linkTimeout 0UL 0u)

    /// A timer that ends when so many completions have come on its ring, with 0, or when the time is over, with -ETIME, which
    /// breaks a chain. Ends of timers are not counted (6.18). man io_uring_prep_timeout(3).
    let countdown (count: int) (limit: TimeSpan) : Request =
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof count)

        over
            (checkedTimespec (nameof limit) limit)
            (Submission.timeout 0UL 0u |> Submission.counting (uint32 count))

    /// A timer that starts again, so many times or (0) for ever, as a request.
    let internal tickRequest (period: TimeSpan) (count: int) : StreamRequest = {
        Multishot =
            over
                (checkedTimespec (nameof period) period)
                (Submission.timeoutMultishot 0UL |> Submission.counting (uint32 count))
            |> Request.multishot
        Single = ValueSome(timer period)
        Source = Source.Ticks
        Pool = null
        Discard = null
    }

    /// Why a timer ended without its time being over. Only the flags of the newer clocks can be unknown to a kernel.
    let internal timerFault (request: Request) (result: int) (token: CancellationToken) : exn =
        match Errno.ofResult result with
        | Errno.EINVAL ->
            PlatformNotSupportedException
                "This kernel's io_uring has no timers by this clock: they need Linux 5.15 or newer."
        | _ -> Fault.ofResult request.Submission.Opcode request.Subject result token

    /// Gives a running timer another time. `parameter` is its name where the user knows it by another.
    let internal timerChange (flags: uint32) (parameter: string) (time: TimeSpan) : UserData -> Request =
        let time = Memory(checkedTimespec parameter time)

        fun target -> {
            Request.bare (Submission.changeTimeout target 0UL flags) with
                Buffer = time
                Reach = Reach.Offset
        }

    let private untilExpired (timer: Request) : Uring<unit> =
        uring {
            let! result = attempt timer

            if Errno.ofResult result <> Errno.ETIME then
                let! token = token
                raise (timerFault timer result token)
        }

    /// Waits, on the ring's clock.
    let sleep (delay: TimeSpan) : Uring<unit> = untilExpired (timer delay)

    /// Waits, by another clock: by the boot-time clock, the time that the machine is suspended counts (Linux 5.15,
    /// PlatformNotSupportedException before).
    let sleepBy (clock: Clock) (delay: TimeSpan) : Uring<unit> = untilExpired (timerBy clock delay)

    /// Waits until this time of day, as the clock shows it: when the clock is set, the wait is shorter or longer. Not at
    /// all when the time is past. (Linux 5.15, PlatformNotSupportedException before.)
    let sleepUntil (time: DateTimeOffset) : Uring<unit> = untilExpired (alarm time)

    /// Waits until `Stopwatch.GetTimestamp()` is `timestamp`: a deadline that no change of the time of day moves. Not at
    /// all when that is past.
    let sleepUntilTimestamp (timestamp: int64) : Uring<unit> = untilExpired (alarmAtTimestamp timestamp)

    /// Waits until so many completions have come on the program's ring, of whatever operation but timers, the library's own
    /// (that wake the loop, say) included: true; or until the time is over: false. man io_uring_prep_timeout(3).
    let afterCompletions (count: int) (limit: TimeSpan) : Uring<bool> =
        let timer = countdown count limit

        uring {
            let! result = attempt timer

            match Errno.ofResult result with
            | _ when result >= 0 -> return true
            | Errno.ETIME -> return false
            // An open set: the kernel refuses it, or it was cancelled.
            | _ ->
                let! token = token
                return raise (timerFault timer result token)
        }

    let private ticking period count : Uring<UringStream<int>> =
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero, nameof period)

        Program.ofScope (fun scope ->
            let stream = scope.Loop.Open(tickRequest period count, scope.Token)
            ValueTask<_>(UringStream(stream, _.Result)))

    /// Ticks each time that `period` has passed, until cancelled (one submission from Linux 6.4 on). An item counts the
    /// ticks since the one before: more than one when the consumer was slow.
    let ticks (period: TimeSpan) : Uring<UringStream<int>> = ticking period 0

    /// As `ticks`, and ends after `count` ticks.
    let ticksOf (count: int) (period: TimeSpan) : Uring<UringStream<int>> =
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof count)
        ticking period count

    /// Cancels the program when the time is over, waits for its end, and raises TimeoutException. If it ended with a
    /// result all the same, the result wins.
    let timeout (span: TimeSpan) (program: Uring<'T>) : Uring<'T> =
        let watch = attempt (Request.own (timer span))

        let body (clock: CancellationTokenSource) (scope: Scope) =
            task {
                // In a scope of its own, because it is cancelled apart from the program.
                let watching =
                    Concurrent.within scope.Loop clock.Token (fun inner ->
                        task {
                            let! result = watch.Start inner
                            // Its time is over; or nobody watches the time, and the program could go on for ever.
                            if Errno.ofResult result <> Errno.ECANCELED then scope.Cancel()
                            return result
                        })

                let caught = catch program
                let! outcome = caught.Start scope
                clock.Cancel()
                let! watched = watching

                match outcome, Errno.ofResult watched with
                | Ok result, _ -> return result
                | Error(:? OperationCanceledException), Errno.ETIME ->
                    return
                        raise (
                            TimeoutException(
                                String.Concat("The operation did not end within ", span.ToString(), ".")
                            )
                        )
                | Error(:? OperationCanceledException), errno when errno <> Errno.ECANCELED ->
                    return raise (timerFault watch.Request watched scope.Token)
                | Error reason, _ ->
                    Runtime.ExceptionServices.ExceptionDispatchInfo.Throw reason
                    return Unchecked.defaultof<'T>
            }

        Program.ofScope (fun outer ->
            ValueTask<'T>(
                task {
                    use clock = CancellationTokenSource.CreateLinkedTokenSource outer.Token
                    return! Concurrent.within outer.Loop outer.Token (body clock)
                }
            ))
