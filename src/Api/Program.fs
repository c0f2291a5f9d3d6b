// What a `uring { }` program is: a cold value that starts when it is given a scope. Nothing runs when it is built,
// and it may be started any number of times.
namespace Uring.FSharp

open System
open System.Runtime.CompilerServices
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// Where a program runs: the loop whose ring it uses, and what cancels it. Passed along by `uring { }`, so that no
/// user code names a ring.
[<Sealed>]
type Scope internal (loop: Loop, outer: CancellationToken) =
    let source = CancellationTokenSource.CreateLinkedTokenSource outer
    let group = loop.Group source.Token
    let childless = TaskCompletionSource()
    let mutable children = 1

    /// The loop, and with it the ring.
    member _.Loop = loop

    /// Cancelled when the program shall end.
    member _.Token = source.Token

    /// The operations of this scope are cancelled together.
    member internal _.Group = group

    member internal _.Cancel() = source.Cancel()

    /// A program was started beside the one that the scope was made for.
    member internal _.ChildStarted() = Interlocked.Increment &children |> ignore

    /// Once the loop has ended, what is left of its programs runs on the pool: several children may end at once.
    member internal _.ChildEnded() =
        if Interlocked.Decrement &children = 0 then childless.TrySetResult() |> ignore

    /// Ends when the last child has; the program itself counts as one until it asks.
    member internal this.Childless() : Task =
        this.ChildEnded()
        childless.Task

    interface IDisposable with
        member _.Dispose() =
            group.Dispose()
            source.Dispose()

/// How a program starts. One object serves every program of its sort: what differs is in the request.
[<AbstractClass>]
type Program<'T>() =
    /// Starts it on the scope's loop; called on that loop's thread.
    abstract Start: scope: Scope * request: inref<Request> -> ValueTask<'T>

/// A cold program with a result: a single operation (then `Request` says which, and starting it allocates nothing),
/// or a whole `uring { }`.
[<Struct; IsReadOnly; NoEquality; NoComparison>]
type Uring<'T> = {
    Program: Program<'T>
    Request: Request
} with

    /// Starts the program. `uring { }` calls this for `let!`; user code has `Uring.run`.
    member this.Start(scope: Scope) : ValueTask<'T> = this.Program.Start(scope, &this.Request)

/// A single operation whose result is a number.
[<Sealed>]
type internal SingleProgram() =
    inherit Program<int>()
    static let instance = SingleProgram()
    static member Instance = instance

    override _.Start(scope, request) = scope.Loop.StartIn(scope.Group, &request, false)

/// A single operation of which only its end matters.
[<Sealed>]
type internal EffectProgram() =
    inherit Program<unit>()
    static let instance = EffectProgram()
    static member Instance = instance

    override _.Start(scope, request) = scope.Loop.StartEffectIn(scope.Group, &request)

/// A single operation whose errors are negative numbers.
[<Sealed>]
type internal TryProgram() =
    inherit Program<int>()
    static let instance = TryProgram()
    static member Instance = instance

    override _.Start(scope, request) = scope.Loop.StartIn(scope.Group, &request, true)

/// A program that is a function of its scope.
[<Sealed>]
type ScopedProgram<'T>(start: Scope -> ValueTask<'T>) =
    inherit Program<'T>()
    override _.Start(scope, _) = start scope

/// Ways to make a program without `uring { }`.
[<RequireQualifiedAccess>]
module Program =

    let private nothing = Request.bare (Submission.nop ())

    /// A program that is a function of its scope.
    let ofScope (start: Scope -> ValueTask<'T>) : Uring<'T> = {
        Program = ScopedProgram start
        Request = nothing
    }

    /// One operation. Errors are exceptions.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let single (request: Request) : Uring<int> = { Program = SingleProgram.Instance; Request = request }

    /// One operation, for its effect. Errors are exceptions.
    let effect (request: Request) : Uring<unit> = { Program = EffectProgram.Instance; Request = request }

    /// One operation. Errors are negative results.
    let attempt (request: Request) : Uring<int> = { Program = TryProgram.Instance; Request = request }
