// The options of a listener that have a type; a connection inherits most of them. See UringSocket.Options.cs.
using System;
using System.Net.Sockets;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringListener
{
    /// <summary>
    /// Its connections send small messages at once instead of collecting them (TCP_NODELAY, see man tcp(7)). Defaults to false.
    /// </summary>
    /// <exception cref="SocketException">It is not a TCP socket.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public bool NoDelay
    {
        get => SocketNames.Get(descriptor, this, SocketOption.noDelay);
        set => SocketNames.Set(descriptor, this, SocketOption.noDelay, value);
    }

    /// <summary>
    /// Its connections look after a while of silence whether the peer is still there (SO_KEEPALIVE, see man socket(7)). Defaults
    /// to false.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public bool KeepAlive
    {
        get => SocketNames.Get(descriptor, this, SocketOption.keepAlive);
        set => SocketNames.Set(descriptor, this, SocketOption.keepAlive, value);
    }

    /// <summary>
    /// Bytes that the kernel keeps of what comes in on a connection (SO_RCVBUF, see man socket(7)). Linux doubles what is set, and
    /// tells the double. Defaults to the system's own growing size.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public int ReceiveBufferSize
    {
        get => SocketNames.Get(descriptor, this, SocketOption.receiveBufferSize);
        set => SocketNames.Set(descriptor, this, SocketOption.receiveBufferSize, value);
    }

    /// <summary>
    /// Bytes that the kernel keeps of what is to be sent on a connection (SO_SNDBUF, see man socket(7)). Linux doubles what is
    /// set, and tells the double. Defaults to the system's own growing size.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public int SendBufferSize
    {
        get => SocketNames.Get(descriptor, this, SocketOption.sendBufferSize);
        set => SocketNames.Set(descriptor, this, SocketOption.sendBufferSize, value);
    }

    /// <summary>
    /// The processor that its connections should come in on, -1 for any (SO_INCOMING_CPU, see man socket(7)). Defaults to -1.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public int IncomingCpu
    {
        get => SocketNames.Get(descriptor, this, SocketOption.incomingCpu);
        set => SocketNames.Set(descriptor, this, SocketOption.incomingCpu, value);
    }

    /// <summary>
    /// Whether it was bound to an address whose last connections may still linger (SO_REUSEADDR, see man socket(7)). Defaults to
    /// true over TCP.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public bool ReuseAddress
    {
        get => SocketNames.Get(descriptor, this, SocketOption.reuseAddress);
        set => SocketNames.Set(descriptor, this, SocketOption.reuseAddress, value);
    }

    /// <summary>
    /// Several listeners of one user may have one address (SO_REUSEPORT, see man socket(7)); to be set before it is bound:
    /// <see cref="UringSocket.CreateAsync"/>. Defaults to false.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the value is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public bool ReusePort
    {
        get => SocketNames.Get(descriptor, this, SocketOption.reusePort);
        set => SocketNames.Set(descriptor, this, SocketOption.reusePort, value);
    }

    /// <summary>
    /// It takes IPv6 connections only (IPV6_V6ONLY, see man ipv6(7)); to be set before it is bound. Defaults to false.
    /// </summary>
    /// <exception cref="SocketException">It is not an IPv6 socket, or it is bound.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public bool IPv6Only
    {
        get => SocketNames.Get(descriptor, this, SocketOption.ipv6Only);
        set => SocketNames.Set(descriptor, this, SocketOption.ipv6Only, value);
    }

    /// <summary>
    /// Its address family (SO_DOMAIN, see man socket(7)).
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public AddressFamily AddressFamily => SocketNames.Get(descriptor, this, SocketOption.addressFamily);

    /// <summary>
    /// Its kind (SO_TYPE, see man socket(7)).
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public SocketType SocketType => SocketNames.Get(descriptor, this, SocketOption.socketType);

    /// <summary>
    /// Its protocol (SO_PROTOCOL, see man socket(7)).
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public ProtocolType ProtocolType => SocketNames.Get(descriptor, this, SocketOption.protocolType);

    /// <summary>
    /// The error that the listener has met since it was last asked, and takes it away; <see cref="SocketError.Success"/> when there
    /// is none (SO_ERROR, see man socket(7)).
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public SocketError TakeError() => SocketNames.TakeError(descriptor, this);

    /// <summary>
    /// Reads any option, by the kernel's numbers. See man getsockopt(2).
    /// </summary>
    /// <param name="level">SOL_SOCKET is 1, IPPROTO_IP 0, IPPROTO_TCP 6, IPPROTO_IPV6 41.</param>
    /// <param name="name">As the system's headers say.</param>
    /// <param name="value">Room for its bytes.</param>
    /// <returns>How many bytes it has.</returns>
    /// <exception cref="SocketException">The listener has no such option (ProtocolOption, OperationNotSupported).</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public int GetRawSocketOption(int level, int name, Span<byte> value) =>
        SocketNames.GetRaw(descriptor, this, level, name, value);

    /// <summary>
    /// Sets any option, by the kernel's numbers. See man setsockopt(2).
    /// </summary>
    /// <param name="level">SOL_SOCKET is 1, IPPROTO_IP 0, IPPROTO_TCP 6, IPPROTO_IPV6 41.</param>
    /// <param name="name">As the system's headers say.</param>
    /// <param name="value">Its bytes.</param>
    /// <exception cref="SocketException">The listener has no such option, or does not take the value.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public void SetRawSocketOption(int level, int name, ReadOnlySpan<byte> value) =>
        SocketNames.SetRaw(descriptor, this, level, name, value);
}
