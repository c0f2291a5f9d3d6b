/// Bytes that come in as leases: a connection, a pool and a stream, taken by hand from the test's own thread.
module Uring.Tests.Linux.Receiving

open System
open System.IO
open System.IO.Pipes
open System.Net.Sockets
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Tests.Linux.Hosting

/// The same bytes for the same seed.
let pattern (seed: int) length =
    let bytes = Array.zeroCreate<byte> length
    Random(seed).NextBytes bytes
    bytes

/// One of our sockets that receives into a pool, and its peer.
[<NoEquality; NoComparison>]
type Receiver = {
    Host: LoopThread
    Pool: BufferPool
    Socket: Uring.FSharp.Socket
    Peer: Peer
    Stream: UringStream<BufferLease>
}

let next (host: LoopThread) (stream: UringStream<'T>) : 'T =
    Expect.isTrue (runOn host (UringStream.next stream)) "an item"
    stream.Current

let leave (host: LoopThread) (stream: UringStream<'T>) =
    runOn host (uring { do! (stream :> IAsyncDisposable).DisposeAsync() })

/// A connection that receives into this pool. The peer is a socket of the BCL.
let receiver (host: LoopThread) (pool: BufferPool) : Receiver =
    let struct (ours, theirs) = connectPair host

    {
        Host = host
        Pool = pool
        Socket = ours
        Peer = theirs
        Stream = runOn host (Socket.receiveMany ours pool)
    }

let drop (receiver: Receiver) =
    leave receiver.Host receiver.Stream
    runOn receiver.Host (Socket.close receiver.Socket)
    receiver.Peer.Dispose()

/// Everything is back: the kernel has all the buffers.
let allBack (pool: BufferPool) = eventually "every buffer is back" (fun () -> pool.Available = pool.Count)

let withReceiverOf (kernel: IKernel) (options: BufferPoolOptions) (body: Receiver -> unit) =
    withLoopOf kernel LoopOptions.standard (fun host ->
        let receiver = receiver host (runOn host (BufferPool.create options))
        body receiver
        drop receiver)

let withReceiver options body = withReceiverOf LinuxKernel.Instance options body

/// What comes when the peer sends these bytes: they have to fit in one buffer.
let leaseOf (receiver: Receiver) (bytes: byte array) : BufferLease =
    receiver.Peer.Send bytes |> ignore
    let lease = next receiver.Host receiver.Stream
    Expect.equal (lease.Span.ToArray()) bytes "what was sent"
    lease

/// A lease of a whole large buffer, of which all but the first byte is filled in by hand.
let bigLease (receiver: Receiver) (bytes: byte array) : BufferLease =
    let lease = leaseOf receiver bytes[..0]
    Expect.isTrue (lease.TryAppend(ReadOnlySpan(bytes, 1, bytes.Length - 1))) "filled"
    lease

/// The next `count` bytes; each lease is given back.
let takeBytes (receiver: Receiver) count : byte array =
    let received = new MemoryStream()

    let program =
        uring {
            let mutable more = true

            while more && received.Length < int64 count do
                let! found = UringStream.next receiver.Stream
                more <- found

                if found then
                    use lease = receiver.Stream.Current
                    received.Write lease.Span
        }

    runOn receiver.Host program
    received.ToArray()

let sameBytes (expected: byte array) (found: byte array) what =
    Expect.equal found.Length expected.Length $"{what}: number of bytes"
    Expect.isTrue (found.AsSpan().SequenceEqual expected) $"{what}: the same bytes in the same order"

/// In the background: it may have to wait for its reader.
let sending (peer: Peer) (bytes: byte array) : Task =
    Task.Run(fun () ->
        let mutable sent = 0

        while sent < bytes.Length do
            sent <- sent + peer.Send(bytes, sent, bytes.Length - sent, SocketFlags.None))

let isDisposed (what: string) (body: unit -> 'T) =
    match failureOf body with
    | :? ObjectDisposedException -> ()
    | other -> failtest $"{what}: expected ObjectDisposedException, but: {other}"

/// Its argument is refused, by this name.
let isOutOfRange (name: string) (body: unit -> 'T) =
    match failureOf body with
    | :? ArgumentOutOfRangeException as reason -> Expect.equal reason.ParamName name "the argument's name"
    | other -> failtest $"{name}: expected ArgumentOutOfRangeException, but: {other}"

/// Bytes that a pipe holds.
let pipeSize = 65536

/// A pipe that is full, so that a write to its end (ours) waits. `reader` is the BCL's.
let withFullPipe (host: LoopThread) (body: Uring.FSharp.File -> AnonymousPipeServerStream -> unit) =
    use reader = new AnonymousPipeServerStream(PipeDirection.In)
    let path = $"/proc/self/fd/{reader.ClientSafePipeHandle.DangerousGetHandle()}"
    let file = runOn host (File.openWith OpenFlags.Write UnixFileMode.None path)
    let mutable left = pipeSize

    while left > 0 do
        left <- left - runOn host (File.writeNext file (ReadOnlyMemory(Array.zeroCreate<byte> left)))

    reader.DisposeLocalCopyOfClientHandle()
    body file reader
    runOn host (File.close file)

/// Sends until the peer, which does not read, has no room: the next send waits. Returns how many bytes it took.
let fill (host: LoopThread) (socket: Uring.FSharp.Socket) : int64 =
    let block = ReadOnlyMemory(Array.zeroCreate<byte> 65536)
    let moment = TimeSpan.FromMilliseconds 100.0
    let mutable taken = 0L
    let mutable isFull = false

    while not isFull do
        match runOn host (Uring.catch (Uring.timeout moment (Socket.sendSome socket block))) with
        | Ok count -> taken <- taken + int64 count
        | Error(:? TimeoutException) -> isFull <- true
        | Error reason -> raise reason

    taken

/// Reads and forgets so many bytes.
let skip (peer: Peer) (count: int64) =
    let block = Array.zeroCreate<byte> 65536
    let mutable left = count

    while left > 0L do
        left <- left - int64 (peer.Receive(block, int (min left 65536L), SocketFlags.None))

/// Reads until so many bytes are there, or the end.
let receiveAll (peer: Peer) count : byte array =
    peer.ReceiveTimeout <- int limit.TotalMilliseconds
    let found = Array.zeroCreate<byte> count
    let mutable filled = 0
    let mutable more = count > 0

    while more do
        let received = peer.Receive(found, filled, count - filled, SocketFlags.None)
        filled <- filled + received
        more <- received > 0 && filled < count

    found[.. filled - 1]
