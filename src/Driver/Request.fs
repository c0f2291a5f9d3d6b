// One operation before it starts: a submission, the memory that it points into, and the descriptor that it works on.
// A value: nothing happens until a loop starts it, and it may be started any number of times.
namespace Uring.Driver

open System
open System.Runtime.CompilerServices
open System.Threading
open Uring.Kernel
open Uring.Model

/// What closes a descriptor when its turn has come.
type internal ICloser =
    abstract Close: unit -> unit
    /// It was closed in another way.
    abstract Refused: result: int -> unit

/// Where descriptors live.
type internal IDescriptorHome =
    /// From any thread: frees a slot of the ring's own table.
    abstract CloseDirect: slot: int -> unit

/// An open descriptor with the operations on it. Applies Model/Descriptor; its state belongs to the loop's thread.
[<Sealed>]
type FileDescriptor internal (kernel: IKernel, number: int, home: IDescriptorHome, isDirect: bool) =
    let mutable state = Descriptor.opened
    let mutable closeAsked = 0

    /// The loop that its state belongs to: every operation on it runs there.
    member internal _.Home = home

    /// The kernel that has it.
    member internal _.Kernel = kernel

    /// The number that the kernel knows it by. It says nothing once `IsClosed`.
    member _.Number = number

    /// It lives in the ring's own table: `Number` is its slot there, and says nothing to the rest of the process.
    member _.IsDirect = isDirect

    /// It is a socket, whoever says so: errors of operations that work on files as well are then a socket's.
    member val internal IsSocket = false with get, set

    /// It is somebody else's, and stays open whatever becomes of this.
    member val internal IsBorrowed = false with get, set

    /// What is started on it begins on one of the kernel's workers, and not where it is submitted.
    member val internal BeginsOnWorker = false with get, set

    /// What an error message calls it: the path of a file, say.
    member val Name: string | null = null with get, set

    /// Somebody has asked to close it: nothing can start on it any more.
    member _.IsClosed = Volatile.Read &closeAsked <> 0

    /// From any thread. True for the first who asks.
    member internal _.AskClose() = Interlocked.Exchange(&closeAsked, 1) = 0

    member internal _.Began() =
        let struct (next, verdict) = Descriptor.began state
        state <- next
        verdict

    member internal _.Ended() =
        let struct (next, verdict) = Descriptor.ended state
        state <- next
        verdict

    member internal _.Close() =
        let struct (next, verdict) = Descriptor.close state
        state <- next
        verdict

    /// What sends on it alone, if there is such a thing: a hint (`Ahead`).
    member val internal Sender: Work | null = null with get, set

    /// What closes it after the last operation, when closing had to wait.
    member val internal Closer: ICloser | null = null with get, set

    /// Closes the number at once: for when no loop can do it any more.
    member internal this.CloseDirectly() =
        if this.AskClose() then
            GC.SuppressFinalize this
            this.Free()

    /// A descriptor that was dropped without being closed goes back to the system when it is collected.
    override this.Finalize() = if this.AskClose() then this.Free()

    /// Without waiting for anything.
    member internal _.Free() = if isDirect then home.CloseDirect number else kernel.Close number |> ignore

/// What to start.
[<Struct; IsReadOnly; NoEquality; NoComparison>]
type Request = {
    Submission: Submission
    /// Which fields of the submission are offsets into `Buffer`.
    Reach: Reach
    Shape: Shape
    /// Pinned from the start to the last completion.
    Buffer: Memory<byte>
    /// Null when the submission names no descriptor of ours.
    Target: FileDescriptor | null
    /// A second descriptor that the submission names (splice), or null.
    Other: FileDescriptor | null
    /// What an error message calls the thing worked on: a path, an address. Null when there is nothing to say.
    Subject: string | null
    /// The library's own: who cancels everything does not mean it.
    IsOwn: bool
    /// The result says whether there is more: it is packed with its hint (Model/Completion, `Hint`).
    TellsMore: bool
    /// How far a transfer goes: its memory and its place are the submission's.
    Goal: Goal
}

/// Ways to make a request.
[<RequireQualifiedAccess>]
module Request =

    /// Works on nothing that we own.
    let bare submission = {
        Submission = submission
        Reach = Reach.Nothing
        Shape = Shape.Single
        Buffer = Memory.Empty
        Target = null
        Other = null
        Subject = null
        IsOwn = false
        TellsMore = false
        Goal = Goal.Step
    }

    /// Works on a descriptor.
    let on (target: FileDescriptor) submission = {
        Submission = submission
        Reach = Reach.Nothing
        Shape = Shape.Single
        Buffer = Memory.Empty
        Target = target
        Other = null
        Subject = null
        IsOwn = false
        TellsMore = false
        Goal = Goal.Step
    }

    /// Works on a descriptor and on memory.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let over (target: FileDescriptor) (buffer: Memory<byte>) submission = {
        Submission = submission
        Reach = Reach.Address
        Shape = Shape.Single
        Buffer = buffer
        Target = target
        Other = null
        Subject = null
        IsOwn = false
        TellsMore = false
        Goal = Goal.Step
    }

    /// Works on what a path in `buffer` names.
    let onPath (path: string) (buffer: Memory<byte>) reach submission = {
        Submission = submission
        Reach = reach
        Shape = Shape.Single
        Buffer = buffer
        Target = null
        Other = null
        Subject = path
        IsOwn = false
        TellsMore = false
        Goal = Goal.Step
    }

    /// Its submission brings many completions.
    let multishot (request: Request) = { request with Shape = Shape.Multishot }

    /// Begins on one of the kernel's workers at once, and not where it is submitted (IOSQE_ASYNC).
    let onWorker (request: Request) = {
        request with
            Submission = Submission.flagged SqeFlags.Async request.Submission
    }

    /// A read, write, send or receive that goes on until its memory is done, or nothing more comes or is taken.
    let internal toward goal (request: Request) = { request with Goal = goal }

    /// A part of how the library works, which nobody but the library ends.
    let internal own (request: Request) = { request with IsOwn = true }
