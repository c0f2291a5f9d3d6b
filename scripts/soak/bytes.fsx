// What is sent: each byte is a function of the connection and its position, so that bytes that are lost, doubled, out of
// order or another connection's show. And the counts of what has been received.

open System

let private period = 1_048_573
let private most = 65_536

let private bytes =
    let once = Array.zeroCreate<byte> period
    Random(20).NextBytes once
    Array.init (period + most) (fun index -> once[index % period])

/// What a connection sends from a position on, 65536 bytes at most.
let expected (connection: int) (position: int64) (length: int) : ReadOnlyMemory<byte> =
    let start = (position + 500_009L * int64 connection) % int64 period
    ReadOnlyMemory(bytes, int start, length)

/// Raises when these are not the connection's bytes at this position.
let verify (connection: int) (position: int64) (found: ReadOnlySpan<byte>) =
    let right = (expected connection position found.Length).Span
    let same = found.CommonPrefixLength right

    if same < found.Length then
        raise (
            IO.InvalidDataException $"Connection {connection}: byte {position + int64 same} is another one."
        )

let mutable messages = 0L
let mutable received = 0L
let mutable cancels = 0
let mutable departures = 0
let mutable connections = 0
