namespace Uring;

/// <summary>What one ring tells another: see <see cref="Ring.PostAsync"/>.</summary>
/// <param name="Tag">Of what sort it is, say: the program gives it a meaning.</param>
/// <param name="Value">A number; the program gives it a meaning.</param>
public readonly record struct RingMessage(int Tag, int Value)
{
    /// <summary>
    /// 32 bits more, which come as the flags of its completion. Other than 0: Linux 6.3; see IORING_MSG_RING_FLAGS_PASS in
    /// man io_uring_prep_msg_ring(3).
    /// </summary>
    public uint Flags { get; init; }
}
