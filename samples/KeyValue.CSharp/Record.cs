// A record of the log: a checksum of the rest (4 bytes), the key's length (4), the value's length (4),
// the key, the value.
using System;
using System.Linq;
using System.Numerics;
using System.Text;

namespace KeyValue;

internal sealed record Record(string Key, string Value, int Length)
{
    private const int HeaderLength = 12;

    internal static byte[] Encode(string key, string value)
    {
        var keyBytes = Encoding.UTF8.GetBytes(key);
        var valueBytes = Encoding.UTF8.GetBytes(value);
        var lengths = BitConverter.GetBytes(keyBytes.Length).Concat(BitConverter.GetBytes(valueBytes.Length));
        byte[] rest = [.. lengths, .. keyBytes, .. valueBytes];
        return [.. BitConverter.GetBytes(Checksum(rest)), .. rest];
    }

    /// <summary>The record that begins here; null if it is torn, or if the log ends here.</summary>
    internal static Record? TryDecode(ReadOnlySpan<byte> log)
    {
        if (log.Length < HeaderLength)
        {
            return null;
        }

        // The lengths in a torn record can be anything: they may not lead out of the log.
        var keyLength = BitConverter.ToUInt32(log[4..]);
        var valueLength = BitConverter.ToUInt32(log[8..]);
        var length = (long)HeaderLength + keyLength + valueLength;

        if (length > log.Length || Checksum(log[4..(int)length]) != BitConverter.ToUInt32(log))
        {
            return null;
        }

        var key = log.Slice(HeaderLength, (int)keyLength);
        var value = log.Slice(HeaderLength + (int)keyLength, (int)valueLength);
        return new Record(Encoding.UTF8.GetString(key), Encoding.UTF8.GetString(value), (int)length);
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;

        foreach (var next in bytes)
        {
            crc = BitOperations.Crc32C(crc, next);
        }

        return ~crc;
    }
}
