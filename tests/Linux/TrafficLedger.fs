/// Whether a connection's bytes are the right ones: each is a function of the connection and its position, so that
/// bytes that are lost, doubled, out of order or another connection's show.
module Uring.Tests.Linux.TrafficLedger

open System
open System.Threading
open Expecto

/// A prime, so that no size of a buffer divides it, and more than a consumer that leaves can lose.
let private period = 4_194_301
/// So many bytes may be asked for at once.
let private mostAtOnce = 65_536

let private bytes =
    let once = Array.zeroCreate<byte> period
    Random(20).NextBytes once
    Array.init (2 * period + mostAtOnce) (fun index -> once[index % period])

let private start (connection: int) (position: int64) =
    int ((position + 500_009L * int64 connection) % int64 period)

/// What a connection sends from a position on.
let expected (connection: int) (position: int64) (length: int) : ReadOnlyMemory<byte> =
    ReadOnlyMemory(bytes, start connection position, length)

/// So many bytes name their position.
let private telling = 16

/// One connection's account. Its reader is one at a time; its writer counts what it has sent.
[<Sealed>]
type Ledger(connection: int) =
    let mutable position = 0L
    let mutable sent = 0L
    // After a consumer has left: what came since, too little to say where it belongs.
    let mutable unplaced: byte array | null = null

    /// Where the first bytes that do not fit belong instead, if this connection has sent them at all.
    let differs (found: ReadOnlySpan<byte>) : unit =
        let same = found.CommonPrefixLength((expected connection position found.Length).Span)
        let stray = found.Slice(same, min telling (found.Length - same))
        let place = bytes.AsSpan(start connection 0L, period + telling).IndexOf stray

        failtest
            $"connection {connection}: byte {position + int64 same} of {Volatile.Read &sent} is another one: that of {place} modulo {period} (-1: of another connection)"

    let check (found: ReadOnlySpan<byte>) =
        if not (found.SequenceEqual((expected connection position found.Length).Span)) then
            differs found

        position <- position + int64 found.Length

        if position > Volatile.Read &sent then
            failtest $"connection {connection}: {position} bytes received, and {Volatile.Read &sent} sent"

    /// Finds where bytes belong that came after a gap: never before what was received already.
    let place (found: byte array) =
        let ahead = bytes.AsSpan(start connection position, period + telling)
        let skipped = ahead.IndexOf(ReadOnlySpan(found, 0, telling))

        if skipped < 0 then
            failtest $"connection {connection}: bytes after {position} that it has never sent"

        position <- position + int64 skipped
        check (ReadOnlySpan found)

    /// For the message of a failure.
    member _.Place = $"{position} of {Volatile.Read &sent} bytes"

    /// The writer's: counted before they are on their way.
    member _.Sending(count: int) = Volatile.Write(&sent, sent + int64 count)

    /// The reader's: the next bytes of the connection.
    member _.Received(found: byte array) =
        match unplaced with
        | null -> check (ReadOnlySpan found)
        | earlier ->
            let all = Array.append earlier found

            if all.Length < telling then
                unplaced <- all
            else
                unplaced <- null
                place all

    /// The consumer has left: what it had not taken may be missing.
    member _.Gap() = unplaced <- Array.empty

    /// The stream has said that there is no more.
    member _.Ended() =
        match unplaced with
        | null -> ()
        | rest ->
            unplaced <- null
            position <- Volatile.Read &sent - int64 rest.Length
            check (ReadOnlySpan rest)

        if position <> Volatile.Read &sent then
            failtest $"connection {connection}: it ended after {position} of {Volatile.Read &sent} bytes"
