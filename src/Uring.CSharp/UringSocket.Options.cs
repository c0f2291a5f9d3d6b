// The options of a socket that have a type: each reads and sets at once, without the ring. See SocketOption.fs.
using System;
using System.Net.Sockets;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>
    /// Sends small messages at once instead of collecting them (TCP_NODELAY, see man tcp(7)). Defaults to false.
    /// </summary>
    /// <exception cref="SocketException">It is not a TCP socket, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public bool NoDelay
    {
        get => SocketNames.Get(descriptor, this, SocketOption.noDelay);
        set => SocketNames.Set(descriptor, this, SocketOption.noDelay, value);
    }

    /// <summary>
    /// Looks after a while of silence whether the peer is still there (SO_KEEPALIVE, see man socket(7)). Defaults to false.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public bool KeepAlive
    {
        get => SocketNames.Get(descriptor, this, SocketOption.keepAlive);
        set => SocketNames.Set(descriptor, this, SocketOption.keepAlive, value);
    }

    /// <summary>
    /// Silence before the first question of <see cref="KeepAlive"/>, in whole seconds (TCP_KEEPIDLE, see man tcp(7)).
    /// Defaults to two hours.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or more than Linux can count.</exception>
    /// <exception cref="SocketException">It is not a TCP socket, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public TimeSpan KeepAliveTime
    {
        get => SocketNames.Get(descriptor, this, SocketOption.keepAliveTime);
        set => SocketNames.Set(descriptor, this, SocketOption.keepAliveTime, value);
    }

    /// <summary>
    /// From one question of <see cref="KeepAlive"/> to the next, in whole seconds (TCP_KEEPINTVL, see man tcp(7)). Defaults
    /// to 75 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or more than Linux can count.</exception>
    /// <exception cref="SocketException">It is not a TCP socket, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public TimeSpan KeepAliveInterval
    {
        get => SocketNames.Get(descriptor, this, SocketOption.keepAliveInterval);
        set => SocketNames.Set(descriptor, this, SocketOption.keepAliveInterval, value);
    }

    /// <summary>
    /// Questions of <see cref="KeepAlive"/> without an answer before the connection counts as dead (TCP_KEEPCNT, see
    /// man tcp(7)). Defaults to 9.
    /// </summary>
    /// <exception cref="SocketException">It is not a TCP socket, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public int KeepAliveRetryCount
    {
        get => SocketNames.Get(descriptor, this, SocketOption.keepAliveRetryCount);
        set => SocketNames.Set(descriptor, this, SocketOption.keepAliveRetryCount, value);
    }

    /// <summary>
    /// How long sent bytes may go without an acknowledgement before the connection is broken off, in milliseconds
    /// (TCP_USER_TIMEOUT, see man tcp(7)). Defaults to zero: the system's own limit, some fifteen minutes.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or more than Linux can count.</exception>
    /// <exception cref="SocketException">It is not a TCP socket, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public TimeSpan UserTimeout
    {
        get => SocketNames.Get(descriptor, this, SocketOption.userTimeout);
        set => SocketNames.Set(descriptor, this, SocketOption.userTimeout, value);
    }

    /// <summary>
    /// Holds small pieces back until a whole segment is there, or 200 ms have passed (TCP_CORK, see man tcp(7)). Defaults to
    /// false.
    /// </summary>
    /// <exception cref="SocketException">It is not a TCP socket, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public bool Cork
    {
        get => SocketNames.Get(descriptor, this, SocketOption.cork);
        set => SocketNames.Set(descriptor, this, SocketOption.cork, value);
    }

    /// <summary>
    /// What closing does with bytes that were not sent (SO_LINGER, see man socket(7)). Defaults to off.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public LingerOption LingerState
    {
        get => SocketNames.Get(descriptor, this, SocketOption.linger);
        set => SocketNames.Set(descriptor, this, SocketOption.linger, value);
    }

    /// <summary>
    /// Bytes that the kernel keeps of what came in (SO_RCVBUF, see man socket(7)). Linux doubles what is set, and tells the
    /// double. Defaults to the system's own growing size.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or more than Linux can count.</exception>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public int ReceiveBufferSize
    {
        get => SocketNames.Get(descriptor, this, SocketOption.receiveBufferSize);
        set => SocketNames.Set(descriptor, this, SocketOption.receiveBufferSize, value);
    }

    /// <summary>
    /// Bytes that the kernel keeps of what is to be sent (SO_SNDBUF, see man socket(7)). Linux doubles what is set, and tells
    /// the double. Defaults to the system's own growing size.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or more than Linux can count.</exception>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public int SendBufferSize
    {
        get => SocketNames.Get(descriptor, this, SocketOption.sendBufferSize);
        set => SocketNames.Set(descriptor, this, SocketOption.sendBufferSize, value);
    }

    /// <summary>
    /// A receive waits for so many bytes (SO_RCVLOWAT, see man socket(7)). Defaults to 1.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or more than Linux can count.</exception>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public int ReceiveLowWater
    {
        get => SocketNames.Get(descriptor, this, SocketOption.receiveLowWater);
        set => SocketNames.Set(descriptor, this, SocketOption.receiveLowWater, value);
    }

    /// <summary>
    /// The processor that its packets come in on, -1 for any (SO_INCOMING_CPU, see man socket(7)). Defaults to -1.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public int IncomingCpu
    {
        get => SocketNames.Get(descriptor, this, SocketOption.incomingCpu);
        set => SocketNames.Set(descriptor, this, SocketOption.incomingCpu, value);
    }

    /// <summary>
    /// Binds to an address whose last connections still linger (SO_REUSEADDR, see man socket(7)). To be set before it is bound.
    /// Unlike the BCL's option it does not set SO_REUSEPORT as well. Defaults to false.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public bool ReuseAddress
    {
        get => SocketNames.Get(descriptor, this, SocketOption.reuseAddress);
        set => SocketNames.Set(descriptor, this, SocketOption.reuseAddress, value);
    }

    /// <summary>
    /// Several sockets of one user may have one address; the kernel deals connections and datagrams out among them
    /// (SO_REUSEPORT, see man socket(7)). To be set before it is bound. Defaults to false.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public bool ReusePort
    {
        get => SocketNames.Get(descriptor, this, SocketOption.reusePort);
        set => SocketNames.Set(descriptor, this, SocketOption.reusePort, value);
    }

    /// <summary>
    /// An IPv6 socket talks IPv6 only, so that an IPv4 one can have its port (IPV6_V6ONLY, see man ipv6(7)). To be set before it
    /// is bound. Defaults to false (net.ipv6.bindv6only).
    /// </summary>
    /// <exception cref="SocketException">It is not an IPv6 socket, or it is bound.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public bool IPv6Only
    {
        get => SocketNames.Get(descriptor, this, SocketOption.ipv6Only);
        set => SocketNames.Set(descriptor, this, SocketOption.ipv6Only, value);
    }

    /// <summary>
    /// Datagrams may go to a broadcast address (SO_BROADCAST, see man socket(7)). Defaults to false.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public bool EnableBroadcast
    {
        get => SocketNames.Get(descriptor, this, SocketOption.broadcast);
        set => SocketNames.Set(descriptor, this, SocketOption.broadcast, value);
    }

    /// <summary>
    /// It counts as writable from so many free bytes on (SO_SNDLOWAT, see man socket(7)). Linux does not let it be set.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public int SendLowWater => SocketNames.Get(descriptor, this, SocketOption.sendLowWater);

    /// <summary>
    /// It takes connections (SO_ACCEPTCONN, see man socket(7)).
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public bool IsListening => SocketNames.Get(descriptor, this, SocketOption.isListening);

    /// <summary>
    /// The error that the socket has met since it was last asked, and takes it away; <see cref="SocketError.Success"/> when there
    /// is none (SO_ERROR, see man socket(7)).
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public SocketError TakeError() => SocketNames.TakeError(descriptor, this);

    /// <summary>
    /// Its address family (SO_DOMAIN, see man socket(7)).
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public AddressFamily AddressFamily => SocketNames.Get(descriptor, this, SocketOption.addressFamily);

    /// <summary>
    /// Its kind (SO_TYPE, see man socket(7)).
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public SocketType SocketType => SocketNames.Get(descriptor, this, SocketOption.socketType);

    /// <summary>
    /// Its protocol (SO_PROTOCOL, see man socket(7)).
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public ProtocolType ProtocolType => SocketNames.Get(descriptor, this, SocketOption.protocolType);

    /// <summary>
    /// Reads any option, by the kernel's numbers. See man getsockopt(2).
    /// </summary>
    /// <param name="level">SOL_SOCKET is 1, IPPROTO_IP 0, IPPROTO_TCP 6, IPPROTO_IPV6 41.</param>
    /// <param name="name">As the system's headers say.</param>
    /// <param name="value">Room for its bytes.</param>
    /// <returns>How many bytes it has.</returns>
    /// <exception cref="SocketException">The socket has no such option (ProtocolOption, OperationNotSupported).</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public int GetRawSocketOption(int level, int name, Span<byte> value) =>
        SocketNames.GetRaw(descriptor, this, level, name, value);

    /// <summary>
    /// Sets any option, by the kernel's numbers. See man setsockopt(2).
    /// </summary>
    /// <param name="level">SOL_SOCKET is 1, IPPROTO_IP 0, IPPROTO_TCP 6, IPPROTO_IPV6 41.</param>
    /// <param name="name">As the system's headers say.</param>
    /// <param name="value">Its bytes.</param>
    /// <exception cref="SocketException">The socket has no such option, or does not take the value.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public void SetRawSocketOption(int level, int name, ReadOnlySpan<byte> value) =>
        SocketNames.SetRaw(descriptor, this, level, name, value);
}
