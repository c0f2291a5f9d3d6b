// A part of a registered buffer: wraps the core's.
using System;
using System.Collections.Generic;
using System.Linq;
using Core = Uring.Driver.RegisteredMemory;

namespace Uring;

/// <summary>Part of a <see cref="RegisteredBuffer"/>, for the operations that gain by it.</summary>
public readonly struct RegisteredMemory
{
    internal RegisteredMemory(Core core) => Inner = core;

    /// <summary>Bytes.</summary>
    public int Length => Inner.Length;

    /// <summary>The memory, valid until the buffer is disposed of.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was disposed of.</exception>
    public Memory<byte> Memory => Inner.Owner is null ? default : Inner.Memory;

    internal Core Inner { get; }

    internal static Core[] InnerOf(IReadOnlyList<RegisteredMemory> memories) =>
        [.. memories.Select(static memory => memory.Inner)];

    /// <summary>A part of it.</summary>
    /// <param name="start">Bytes from its start.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not within this memory.</exception>
    public RegisteredMemory Slice(int start, int length) => new(Inner.Slice(start, length));
}
