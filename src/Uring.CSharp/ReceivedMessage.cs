// The core's message (Api/Message.fs) under the facade's namespace; copies are the same message.
using System;
using System.Collections.Generic;
using System.Net;
using Microsoft.Win32.SafeHandles;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// A received message in a pool's buffer, yours until you dispose of it. See man recvmsg(2).
/// </summary>
public readonly struct ReceivedMessage : IDisposable
{
    private readonly Message core;

    internal ReceivedMessage(Message core) => this.core = core;

    /// <summary>Number of bytes.</summary>
    /// <exception cref="ObjectDisposedException">The message was given back.</exception>
    public int Length => core.Length;

    /// <summary>The bytes. Do not use it after <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The message was given back.</exception>
    public Span<byte> Payload => core.Payload;

    /// <summary>Control messages, as recvmsg(2) gives them; see man cmsg(3). Empty without room for them.</summary>
    /// <exception cref="ObjectDisposedException">The message was given back.</exception>
    public ReadOnlySpan<byte> Control => core.Control;

    /// <summary>The same, decoded, but for descriptors.</summary>
    /// <exception cref="ObjectDisposedException">The message was given back.</exception>
    public IReadOnlyList<ControlMessage> ControlMessages => ControlMessage.All(core.ControlMessages);

    /// <summary>Who sent it; null when the sender has no name (an unbound Unix socket).</summary>
    /// <exception cref="ObjectDisposedException">The message was given back.</exception>
    public EndPoint? Sender => core.Sender;

    /// <summary>It was longer than the buffer had room for: the rest is gone.</summary>
    /// <exception cref="ObjectDisposedException">The message was given back.</exception>
    public bool IsTruncated => core.IsTruncated;

    /// <summary>Control data did not fit.</summary>
    /// <exception cref="ObjectDisposedException">The message was given back.</exception>
    public bool IsControlTruncated => core.IsControlTruncated;

    /// <summary>
    /// The descriptors that came along (SCM_RIGHTS), in their order: yours from now on, and closed on exec. None the second
    /// time.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The message was given back.</exception>
    public SafeFileHandle[] TakeHandles() => core.TakeHandles();

    /// <summary>A lease of its own on the bytes. The buffer goes back when both are given back.</summary>
    /// <exception cref="ObjectDisposedException">The message was given back.</exception>
    public BufferLease Share() => new(core.Share());

    /// <summary>
    /// Gives the buffer back, and closes the descriptors that nobody has taken. From any thread; again does nothing.
    /// </summary>
    public void Dispose() => core.Dispose();
}
