// The options of sockets that have a type: which level and name, and what their bytes mean. Decides nothing else: the calls are
// SocketOptions.fs. Source: man socket(7), tcp(7), ip(7), ipv6(7).
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Net.Sockets
open Uring.Model

/// An option of a socket, by the kernel's numbers for its level and its name, and what its bytes mean. Derive from it for
/// an option that is not here.
[<AbstractClass>]
type SocketOption<'T>(level: int, name: int, size: int) =
    /// SOL_SOCKET 1, IPPROTO_IP 0, IPPROTO_TCP 6, IPPROTO_IPV6 41.
    member _.Level = level
    /// As the system's headers say.
    member _.Name = name
    /// Room for its value, in bytes.
    member _.Size = size
    /// What the kernel said.
    abstract Decode: value: ReadOnlySpan<byte> -> 'T
    /// What to tell the kernel. Raises NotSupportedException for what can only be read.
    abstract Encode: value: 'T -> byte array

/// An option that is a number (an `int` of C), or stands for one.
[<Sealed>]
type NumberOption<'T>(level: int, name: int, ofNumber: Func<int, 'T>, toNumber: Func<'T, int> | null) =
    inherit SocketOption<'T>(level, name, 4)
    override _.Decode value = ofNumber.Invoke(BinaryPrimitives.ReadInt32LittleEndian value)

    override _.Encode value =
        match toNumber with
        | null -> raise (NotSupportedException "This option of a socket can only be read.")
        | toNumber -> BitConverter.GetBytes(toNumber.Invoke value)

/// SO_LINGER: struct linger, l_onoff and l_linger of 4 bytes each.
[<Sealed>]
type private LingerSocketOption() =
    inherit SocketOption<LingerOption>(1, 13, 8)

    override _.Decode value =
        LingerOption(
            BinaryPrimitives.ReadInt32LittleEndian value <> 0,
            BinaryPrimitives.ReadInt32LittleEndian(value.Slice 4)
        )

    override _.Encode value =
        ArgumentNullException.ThrowIfNull(value, nameof value)

        Array.append
            (BitConverter.GetBytes(if value.Enabled then 1 else 0))
            (BitConverter.GetBytes value.LingerTime)

/// The options that have a type. Read with `SocketOptions.read`, set with `SocketOptions.write`.
[<RequireQualifiedAccess>]
module SocketOption =

    let private socket = 1
    let private ip = 0
    let private tcp = 6
    let private ipv6 = 41

    let private number level name : SocketOption<int> = NumberOption<int>(level, name, id, Func<int, int> id)

    let private flag level name : SocketOption<bool> =
        NumberOption<bool>(level, name, (fun value -> value <> 0), (fun value -> if value then 1 else 0))

    /// A number that Linux would take for another if it were negative.
    let private natural level name : SocketOption<int> =
        NumberOption<int>(
            level,
            name,
            id,
            (fun value ->
                ArgumentOutOfRangeException.ThrowIfNegative(value, nameof value)
                value)
        )

    /// A time as a number of units, rounded up: no shorter than asked for.
    let private counted (value: TimeSpan) (units: float) =
        if units < 0.0 || units > float Int32.MaxValue then
            raise (
                ArgumentOutOfRangeException(
                    nameof value,
                    value,
                    "It is negative, or longer than Linux can count."
                )
            )

        int (Math.Ceiling units)

    let private seconds level name : SocketOption<TimeSpan> =
        NumberOption<TimeSpan>(
            level,
            name,
            (fun value -> TimeSpan.FromSeconds(float value)),
            (fun value -> counted value value.TotalSeconds)
        )

    let private readOnly level name (ofNumber: int -> 'T) : SocketOption<'T> =
        NumberOption<'T>(level, name, ofNumber, null)

    // ---- SOL_SOCKET

    /// Whether it listens (SO_ACCEPTCONN); read only.
    let isListening = readOnly socket 30 (fun value -> value <> 0)

    /// Its address family (SO_DOMAIN); read only.
    let addressFamily =
        readOnly socket 39 (fun value ->
            match value with
            | 1 -> AddressFamily.Unix
            | 2 -> AddressFamily.InterNetwork
            | 10 -> AddressFamily.InterNetworkV6
            | _ -> AddressFamily.Unknown)

    /// Its kind (SO_TYPE); read only.
    let socketType = readOnly socket 3 (fun value -> enum<SocketType> value)

    /// Its protocol (SO_PROTOCOL); read only.
    let protocolType = readOnly socket 38 (fun value -> enum<ProtocolType> value)

    /// The error that it met since it was last asked, 0 for none (SO_ERROR): reading takes it away. Read only.
    let error = readOnly socket 4 (fun value -> enum<Errno> value)

    /// The processor that its packets should come in on, -1 for any (SO_INCOMING_CPU).
    let incomingCpu = number socket 49

    /// Looks after a while of silence whether the peer is still there (SO_KEEPALIVE).
    let keepAlive = flag socket 9

    /// What closing does with bytes that were not sent (SO_LINGER).
    let linger: SocketOption<LingerOption> = LingerSocketOption()

    /// Bytes that the kernel keeps of what came in (SO_RCVBUF). Linux doubles what is set, and tells the double.
    let receiveBufferSize = natural socket 8

    /// Bytes that the kernel keeps of what is to be sent (SO_SNDBUF). Linux doubles what is set, and tells the double.
    let sendBufferSize = natural socket 7

    /// A receive waits for so many bytes (SO_RCVLOWAT).
    let receiveLowWater = natural socket 18

    /// It counts as writable from so many free bytes on (SO_SNDLOWAT); read only on Linux.
    let sendLowWater = readOnly socket 19 id

    /// Lets a server bind to an address whose last connections still linger (SO_REUSEADDR).
    let reuseAddress = flag socket 2

    /// Lets several sockets of one user listen on one address; the kernel deals connections out among them (SO_REUSEPORT).
    let reusePort = flag socket 15

    /// Datagrams may go to a broadcast address (SO_BROADCAST).
    let broadcast = flag socket 6

    /// Messages tell which process has sent them (SO_PASSCRED), on Unix sockets.
    let passCredentials = flag socket 16

    /// The queueing class of what it sends, 0 to 6 without privilege (SO_PRIORITY).
    let priority = number socket 12

    // ---- IPPROTO_TCP

    /// Holds small pieces back until a whole segment is there, or 200 ms have passed (TCP_CORK).
    let cork = flag tcp 3

    /// Sends small messages at once instead of collecting them (TCP_NODELAY).
    let noDelay = flag tcp 1

    /// Questions without an answer before the connection counts as dead (TCP_KEEPCNT).
    let keepAliveRetryCount = number tcp 6

    /// Silence before the first question (TCP_KEEPIDLE), in whole seconds.
    let keepAliveTime = seconds tcp 4

    /// From one question to the next (TCP_KEEPINTVL), in whole seconds.
    let keepAliveInterval = seconds tcp 5

    /// How long sent bytes may go without an acknowledgement before the connection is broken off (TCP_USER_TIMEOUT); zero is
    /// the system's own limit, some fifteen minutes.
    let userTimeout: SocketOption<TimeSpan> =
        NumberOption<TimeSpan>(
            tcp,
            18,
            (fun value -> TimeSpan.FromMilliseconds(float value)),
            (fun value -> counted value value.TotalMilliseconds)
        )

    /// Acknowledges at once; the kernel leaves this mode when it likes (TCP_QUICKACK).
    let quickAcknowledge = flag tcp 12

    /// The largest segment, in bytes (TCP_MAXSEG).
    let maximumSegment = number tcp 2

    // ---- IPPROTO_IP, IPPROTO_IPV6

    /// How many routers an IPv4 packet passes (IP_TTL).
    let timeToLive = number ip 2

    /// The type of service of IPv4 packets (IP_TOS).
    let typeOfService = number ip 1

    /// An IPv6 socket talks IPv6 only (IPV6_V6ONLY). Before it is bound.
    let ipv6Only = flag ipv6 26
