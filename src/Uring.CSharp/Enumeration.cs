// Decides whether a value is one of its enumeration's: what is not is the caller's mistake, and no errno.
using System;
using System.Runtime.CompilerServices;

namespace Uring;

internal static class Enumeration
{
    /// <summary>Returns the value: a member, or several of them if the type is a set of flags.</summary>
    internal static T Checked<T>(this T value, [CallerArgumentExpression(nameof(value))] string? name = null)
        where T : struct, Enum =>
        Of<T>.Has(value)
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"It is not a value of {typeof(T).Name}.");

    private static class Of<T>
        where T : struct, Enum
    {
        private static readonly bool IsSet = typeof(T).IsDefined(typeof(FlagsAttribute), false);
        private static readonly long Members = Union();

        internal static bool Has(T value) => IsSet ? (Bits(value) & ~Members) == 0 : Enum.IsDefined(value);

        private static long Union()
        {
            var all = 0L;

            foreach (var member in Enum.GetValues<T>())
            {
                all |= Bits(member);
            }

            return all;
        }

        // In a switch over sizes: Convert would box.
        private static long Bits(T value) => Unsafe.SizeOf<T>() switch
        {
            1 => Unsafe.BitCast<T, sbyte>(value),
            2 => Unsafe.BitCast<T, short>(value),
            4 => Unsafe.BitCast<T, int>(value),
            _ => Unsafe.BitCast<T, long>(value),
        };
    }
}
