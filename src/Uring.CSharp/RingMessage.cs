namespace Uring;

/// <summary>What one ring tells another: see <see cref="Ring.PostAsync"/>.</summary>
/// <param name="Tag">Of what sort it is, say: the program gives it a meaning.</param>
/// <param name="Value">A number; the program gives it a meaning.</param>
public readonly record struct RingMessage(int Tag, int Value);
