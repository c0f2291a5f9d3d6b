using System;

namespace Uring;

/// <summary>A lease that was dropped.</summary>
/// <param name="description">What happened, and with <see cref="BufferPoolOptions.TrackLeases"/> where it was taken.</param>
public sealed class LeaseLostEventArgs(string description) : EventArgs
{
    /// <summary>
    /// What happened, and with <see cref="BufferPoolOptions.TrackLeases"/> the stack that took the lease.
    /// </summary>
    public string Description { get; } = description ?? throw new ArgumentNullException(nameof(description));
}
