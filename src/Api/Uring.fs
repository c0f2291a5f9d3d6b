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

    /// Starts a program on a loop, from any thread. The task runs its continuations elsewhere, so that a caller who
    /// blocks cannot block the loop.
    let startOn (host: LoopHost) (token: CancellationToken) (program: Uring<'T>) : Task<'T> =
        let ended = TaskCompletionSource<'T>(TaskCreationOptions.RunContinuationsAsynchronously)

        let run (_: obj | null) =
            task {
                try
                    let body (scope: Scope) = program.Start(scope).AsTask()
                    let! result = Concurrent.within host.Loop token body
                    ended.SetResult result
                with
                | :? OperationCanceledException when token.IsCancellationRequested ->
                    ended.TrySetCanceled token |> ignore
                | reason -> ended.SetException reason
            }
            |> ignore

        ObjectDisposedException.ThrowIf(host.Loop.IsStopping, typeof<LoopHost>)
        host.Loop.Post(SendOrPostCallback run, null)
        ended.Task

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

    /// What cancels the running program.
    let token: Uring<CancellationToken> =
        Program.ofScope (fun scope -> ValueTask<CancellationToken> scope.Token)

    /// The loop that the program runs on.
    let loop: Uring<Loop> = Program.ofScope (fun scope -> ValueTask<Loop> scope.Loop)

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

    let private checkedTimespec (span: TimeSpan) =
        ArgumentOutOfRangeException.ThrowIfLessThan(span, TimeSpan.Zero, nameof span)
        timespec span

    /// A timer as a request. It ends with -ETIME, which breaks a chain.
    let timer (span: TimeSpan) : Request = over (checkedTimespec span) (Submission.timeout 0UL 0u)

    /// In a chain: waits, and then goes on (Linux 5.16). The step's outcome is ETIME.
    let pause (span: TimeSpan) : Request =
        over (checkedTimespec span) (Submission.timeout 0UL OpFlags.TimeoutSuccess)

    /// In a chain: bounds the step before it.
    let within (span: TimeSpan) : Request = over (checkedTimespec span) (Submission.linkTimeout 0UL 0u)

    /// A timer that starts again, as a request.
    let internal tickRequest (period: TimeSpan) : StreamRequest = {
        Multishot = over (checkedTimespec period) (Submission.timeoutMultishot 0UL) |> Request.multishot
        Single = ValueSome(timer period)
        Source = Source.Ticks
        Pool = null
    }

    /// Waits, on the ring's clock.
    let sleep (span: TimeSpan) : Uring<unit> =
        uring {
            let! result = attempt (timer span)

            match Errno.ofResult result with
            | Errno.ETIME -> return ()
            | Errno.ECANCELED ->
                let! token = token
                return raise (OperationCanceledException token)
            | errno -> return raise (IO.IOException("The timer failed.", int errno))
        }

    /// Ticks each time that `period` has passed, until cancelled (one submission from Linux 6.4 on). An item counts the
    /// ticks since the one before: more than one when the consumer was slow.
    let ticks (period: TimeSpan) : Uring<UringStream<int>> =
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero, nameof period)

        Program.ofScope (fun scope ->
            let stream = scope.Loop.Open(tickRequest period, scope.Token)
            ValueTask<_>(UringStream(stream, _.Result)))

    /// Cancels the program when the time is over, waits for its end, and raises TimeoutException. If it ended with a
    /// result all the same, the result wins.
    let timeout (span: TimeSpan) (program: Uring<'T>) : Uring<'T> =
        let watch = attempt (timer span)

        let body (clock: CancellationTokenSource) (scope: Scope) =
            task {
                // In a scope of its own, because it is cancelled apart from the program.
                let expired =
                    Concurrent.within scope.Loop clock.Token (fun inner ->
                        task {
                            let! result = watch.Start inner

                            if Errno.ofResult result = Errno.ETIME then
                                scope.Cancel()
                                return true
                            else
                                return false
                        })

                let caught = catch program
                let! outcome = caught.Start scope
                clock.Cancel()
                let! expired = expired

                match outcome with
                | Ok result -> return result
                | Error(:? OperationCanceledException) when expired ->
                    return
                        raise (
                            TimeoutException(
                                String.Concat("The operation did not end within ", span.ToString(), ".")
                            )
                        )
                | Error reason ->
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
