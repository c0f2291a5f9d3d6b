using System;
using Uring.Driver;

namespace Uring;

/// <summary>What exceptions of this library know besides their message.</summary>
public static class UringFault
{
    /// <summary>
    /// How many bytes had been transferred when sending, writing or reading all of a buffer failed or was cancelled
    /// (<c>UringSocket.SendAllAsync</c>, <c>UringFile.WriteAsync</c>, <c>UringFile.ReadExactlyAsync</c>):
    /// so many are at their place, and how much of the rest is, nobody knows.
    /// </summary>
    /// <param name="reason">What was thrown, an <see cref="OperationCanceledException"/> included.</param>
    /// <returns>Null when it was something else that failed.</returns>
    public static long? TransferredBytes(this Exception reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        var count = Fault.transferred(reason);
        return count.IsValueSome ? count.Value : null;
    }
}
