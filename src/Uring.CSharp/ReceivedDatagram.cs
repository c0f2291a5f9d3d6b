// What came with one datagram that was received by itself.
using System.Net;

namespace Uring;

/// <summary>What <see cref="UringSocket.ReceiveFromAsync"/> has received. See man recvmsg(2).</summary>
public readonly struct ReceivedDatagram
{
    internal ReceivedDatagram(int length, EndPoint? sender, bool isTruncated)
    {
        Length = length;
        Sender = sender;
        IsTruncated = isTruncated;
    }

    /// <summary>Number of bytes in the buffer; 0 is an empty datagram.</summary>
    public int Length { get; }

    /// <summary>Who sent it; null when the sender has no name (an unbound Unix socket).</summary>
    public EndPoint? Sender { get; }

    /// <summary>It was longer than the buffer: the rest is gone.</summary>
    public bool IsTruncated { get; }
}
