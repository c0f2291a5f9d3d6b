// The computation expression `uring { }`. It compiles to one state machine per program (resumable code), hosted by
// the BCL's pooling method builder: awaiting a pending operation allocates nothing, starting a program takes its
// state machine's box from a pool. Where the compiler cannot make a state machine (some scripts, debug builds), the
// dynamic branch runs the same program with closures.
namespace Uring.FSharp

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open System.Threading.Tasks
open Microsoft.FSharp.Core.CompilerServices
open Microsoft.FSharp.Core.CompilerServices.StateMachineHelpers

#nowarn "3513" // Resumable code, used on purpose.
#nowarn "3511" // Not statically compilable in generic positions: the dynamic branch is there for that.

/// The state of a running program.
[<Struct; NoEquality; NoComparison>]
type UringMachine<'T> =
    [<DefaultValue(false)>]
    val mutable Result: 'T

    [<DefaultValue(false)>]
    val mutable Scope: Scope

    [<DefaultValue(false)>]
    val mutable MethodBuilder: PoolingAsyncValueTaskMethodBuilder<'T>

/// A piece of a program's body.
type UringCode<'TOverall, 'T> = ResumableCode<UringMachine<'TOverall>, 'T>

/// Where the compiler did not make a state machine.
[<RequireQualifiedAccess>]
module UringDynamic =

    /// Awaits `awaiter`, then goes on with `next`.
    let await
        (sm: byref<ResumableStateMachine<UringMachine<'TOverall>>>)
        (awaiter: ValueTaskAwaiter<'T>)
        (next: 'T -> UringCode<'TOverall, 'U>)
        =
        let resume =
            ResumptionFunc<UringMachine<'TOverall>>(fun sm ->
                let mutable awaiter = awaiter
                (next (awaiter.GetResult())).Invoke(&sm))

        if awaiter.IsCompleted then
            resume.Invoke(&sm)
        else
            sm.ResumptionDynamicInfo.ResumptionData <- (awaiter :> ICriticalNotifyCompletion)
            sm.ResumptionDynamicInfo.ResumptionFunc <- resume
            false

    let private moveNext
        (info: ResumptionDynamicInfo<UringMachine<'T>>)
        (sm: byref<ResumableStateMachine<UringMachine<'T>>>)
        =
        let mutable error: exn | null = null

        try
            sm.ResumptionDynamicInfo.ResumptionData <- null

            if info.ResumptionFunc.Invoke(&sm) then
                sm.Data.MethodBuilder.SetResult sm.Data.Result
            else
                match sm.ResumptionDynamicInfo.ResumptionData with
                | :? ICriticalNotifyCompletion as pending ->
                    let mutable awaiter = pending
                    sm.Data.MethodBuilder.AwaitUnsafeOnCompleted(&awaiter, &sm)
                | _ -> ()
        with reason ->
            error <- reason

        match error with
        | null -> ()
        | reason -> sm.Data.MethodBuilder.SetException reason

    /// Starts a body as a program.
    let start (code: UringCode<'T, 'T>) (scope: Scope) : ValueTask<'T> =
        let mutable sm = ResumableStateMachine<UringMachine<'T>>()
        let first = ResumptionFunc<UringMachine<'T>>(fun sm -> code.Invoke(&sm))

        sm.ResumptionDynamicInfo <- {
            new ResumptionDynamicInfo<UringMachine<'T>>(first) with
                member info.MoveNext(sm) = moveNext info &sm
                member _.SetStateMachine(sm, state) = sm.Data.MethodBuilder.SetStateMachine state
        }

        sm.Data.Scope <- scope
        sm.Data.MethodBuilder <- PoolingAsyncValueTaskMethodBuilder<'T>.Create()
        sm.Data.MethodBuilder.Start(&sm)
        sm.Data.MethodBuilder.Task

/// Builds programs. Use it through `uring`.
[<Sealed>]
type UringBuilder() =

    /// A program is cold: running the body is put off until it is started.
    member inline _.Delay(generator: unit -> UringCode<'TOverall, 'T>) : UringCode<'TOverall, 'T> =
        ResumableCode<UringMachine<'TOverall>, 'T>(fun sm -> (generator ()).Invoke(&sm))

    [<DefaultValue>]
    member inline _.Zero() : UringCode<'TOverall, unit> = ResumableCode.Zero()

    member inline _.Return(value: 'T) : UringCode<'T, 'T> =
        UringCode<'T, 'T>(fun sm ->
            sm.Data.Result <- value
            true)

    member inline _.Combine
        (first: UringCode<'TOverall, unit>, second: UringCode<'TOverall, 'T>)
        : UringCode<'TOverall, 'T> =
        ResumableCode.Combine(first, second)

    member inline _.While
        ([<InlineIfLambda>] condition: unit -> bool, body: UringCode<'TOverall, unit>)
        : UringCode<'TOverall, unit> =
        ResumableCode.While(condition, body)

    member inline _.TryWith
        (body: UringCode<'TOverall, 'T>, handler: exn -> UringCode<'TOverall, 'T>)
        : UringCode<'TOverall, 'T> =
        ResumableCode.TryWith(body, handler)

    member inline _.TryFinally
        (body: UringCode<'TOverall, 'T>, [<InlineIfLambda>] compensation: unit -> unit)
        : UringCode<'TOverall, 'T> =
        ResumableCode.TryFinally(
            body,
            ResumableCode<_, _>(fun _ ->
                compensation ()
                true)
        )

    /// Awaits a program that runs in the same scope.
    member inline _.Bind
        (program: Uring<'T>, continuation: 'T -> UringCode<'TOverall, 'U>)
        : UringCode<'TOverall, 'U> =
        UringCode<'TOverall, 'U>(fun sm ->
            if __useResumableCode then
                let mutable awaiter = program.Start(sm.Data.Scope).GetAwaiter()
                let mutable __stack_done = true

                if not awaiter.IsCompleted then
                    let __stack_yielded = ResumableCode.Yield().Invoke(&sm)
                    __stack_done <- __stack_yielded

                if __stack_done then
                    let result = awaiter.GetResult()
                    (continuation result).Invoke(&sm)
                else
                    sm.Data.MethodBuilder.AwaitUnsafeOnCompleted(&awaiter, &sm)
                    false
            else
                UringDynamic.await &sm (program.Start(sm.Data.Scope).GetAwaiter()) continuation)

    member inline this.ReturnFrom(program: Uring<'T>) : UringCode<'T, 'T> =
        this.Bind(program, (fun value -> this.Return value))

    /// `use!` and `use` for what is disposed of asynchronously: files, sockets, pools, streams.
    member inline this.Using
        (resource: 'Resource, body: 'Resource -> UringCode<'TOverall, 'T>)
        : UringCode<'TOverall, 'T> when 'Resource :> IAsyncDisposable =
        let dispose () : ValueTask =
            match box resource with
            | null -> ValueTask.CompletedTask
            | _ -> resource.DisposeAsync()

        ResumableCode.TryFinallyAsync(
            ResumableCode<UringMachine<'TOverall>, 'T>(fun sm -> (body resource).Invoke(&sm)),
            ResumableCode<UringMachine<'TOverall>, unit>(fun sm ->
                if __useResumableCode then
                    let mutable awaiter = dispose().GetAwaiter()
                    let mutable __stack_done = true

                    if not awaiter.IsCompleted then
                        let __stack_yielded = ResumableCode.Yield().Invoke(&sm)
                        __stack_done <- __stack_yielded

                    if __stack_done then
                        awaiter.GetResult()
                        true
                    else
                        sm.Data.MethodBuilder.AwaitUnsafeOnCompleted(&awaiter, &sm)
                        false
                else
                    let pending = dispose().AsTask()

                    UringDynamic.await
                        &sm
                        (ValueTask<bool>(
                            task {
                                do! pending
                                return true
                            }
                        )
                            .GetAwaiter())
                        (fun _ -> ResumableCode.Zero()))
        )

    /// Every item of a stream, as it comes; leaving the loop early ends the stream.
    member inline this.For
        (stream: UringStream<'T>, body: 'T -> UringCode<'TOverall, unit>)
        : UringCode<'TOverall, unit> =
        this.Using(
            stream,
            fun stream ->
                ResumableCode.While(
                    (fun () -> not stream.IsOver),
                    this.Bind(
                        UringStream.next stream,
                        fun more -> if more then body stream.Current else ResumableCode.Zero()
                    )
                )
        )

    member inline _.For
        (sequence: seq<'T>, body: 'T -> UringCode<'TOverall, unit>)
        : UringCode<'TOverall, unit> =
        ResumableCode.For(sequence, body)

    /// `and!`: both run at once. If one fails the other is cancelled, and awaited, before the error is raised.
    member inline _.MergeSources(first: Uring<'T>, second: Uring<'U>) : Uring<'T * 'U> =
        Concurrent.both first second

    member inline _.Source(program: Uring<'T>) : Uring<'T> = program
    member inline _.Source(sequence: seq<'T>) : seq<'T> = sequence
    member inline _.Source(stream: UringStream<'T>) : UringStream<'T> = stream

    /// A task that was started elsewhere. What follows runs on the loop again.
    member inline _.Source(task: Task<'T>) : Uring<'T> = Program.ofScope (fun _ -> ValueTask<'T> task)

    member inline _.Source(task: Task) : Uring<unit> = Foreign.ofTask task
    member inline _.Source(task: ValueTask<'T>) : Uring<'T> = Program.ofScope (fun _ -> task)
    member inline _.Source(task: ValueTask) : Uring<unit> = Foreign.ofTask (task.AsTask())

    /// Makes the program.
    member inline _.Run(code: UringCode<'T, 'T>) : Uring<'T> =
        if __useResumableCode then
            __stateMachine<UringMachine<'T>, Uring<'T>>
                (MoveNextMethodImpl<_>(fun sm ->
                    __resumeAt sm.ResumptionPoint
                    let mutable __stack_error: exn | null = null

                    try
                        let __stack_done = code.Invoke(&sm)

                        if __stack_done then sm.Data.MethodBuilder.SetResult sm.Data.Result
                    with reason ->
                        __stack_error <- reason

                    match __stack_error with
                    | null -> ()
                    | reason -> sm.Data.MethodBuilder.SetException reason))
                (SetStateMachineMethodImpl<_>(fun sm state -> sm.Data.MethodBuilder.SetStateMachine state))
                (AfterCode<_, Uring<'T>>(fun sm ->
                    // The body as it was built; each start works on a copy.
                    let built = sm

                    Program.ofScope (fun scope ->
                        let mutable machine = built
                        machine.Data.Scope <- scope
                        machine.Data.MethodBuilder <- PoolingAsyncValueTaskMethodBuilder<'T>.Create()
                        machine.Data.MethodBuilder.Start(&machine)
                        machine.Data.MethodBuilder.Task)))
        else
            Program.ofScope (UringDynamic.start code)

/// `use` for what is disposed of at once: leases, for one.
[<AutoOpen>]
module UringBuilderDisposable =

    type UringBuilder with

        /// Disposes of the resource when the body has ended.
        member inline _.Using
            (resource: 'Resource, body: 'Resource -> UringCode<'TOverall, 'T>)
            : UringCode<'TOverall, 'T> when 'Resource :> IDisposable =
            ResumableCode.Using(resource, body)

/// Opened with the namespace, as the one exception to our rule: a computation expression has to be in scope.
[<AutoOpen>]
module UringBuilderValue =

    /// A program that runs on the ring in scope: `uring { let! count = File.read file buffer 0L ... }`.
    let uring = UringBuilder()
