// What one receive with a hint has brought.
namespace Uring;

/// <summary>What <see cref="UringSocket.ReceiveHintedAsync"/> has received.</summary>
public readonly struct ReceivedBytes
{
    internal ReceivedBytes(int count, bool hasMore)
    {
        Count = count;
        HasMore = hasMore;
    }

    /// <summary>Number of bytes in the buffer; 0 when the peer has finished.</summary>
    public int Count { get; }

    /// <summary>
    /// There was more to receive when it completed (IORING_CQE_F_SOCK_NONEMPTY, Linux 5.19). False also where a socket does not
    /// say: over Unix sockets, and on older kernels. TCP says so of its end, too.
    /// </summary>
    public bool HasMore { get; }
}
