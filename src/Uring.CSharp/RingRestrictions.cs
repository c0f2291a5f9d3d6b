// What a sandboxed ring may do, for C#. The rules are those of Model/Restriction.fs.
using System.Collections.Generic;
using System.Linq;
using Uring.Model;

namespace Uring;

/// <summary>
/// What a ring may do once it is made; nothing can add to it. The library's own needs are always allowed: NOP, ASYNC_CANCEL
/// and CLOSE, and CONNECT with a zero-copy send, which has to be able to drop a connection. Linux 5.10; see
/// man io_uring_register(2), IORING_REGISTER_RESTRICTIONS.
/// </summary>
/// <remarks>
/// It limits what this ring does, not what the process does. docs/operations.md says which operations a method needs.
/// </remarks>
public sealed class RingRestrictions
{
    /// <summary>The operations that may be submitted.</summary>
    public ISet<RingOperation> Operations { get; } = new HashSet<RingOperation>();

    /// <summary>Operations may be linked to each other (chains, time limits). Defaults to true.</summary>
    public bool AllowsLinks { get; set; } = true;

    /// <summary>Operations may take buffers from pools. Defaults to true.</summary>
    public bool AllowsBufferPools { get; set; } = true;

    /// <summary>Operations may use direct descriptors. Defaults to true.</summary>
    public bool AllowsDirectDescriptors { get; set; } = true;

    /// <summary>Credentials may be registered, and used. Defaults to false.</summary>
    public bool AllowsPersonalities { get; set; }

    /// <summary>The ring may be resized. Defaults to false.</summary>
    public bool AllowsResizing { get; set; }

    internal Restriction ToModel()
    {
        var flags = SqeFlags.Drain | SqeFlags.Async | SqeFlags.SkipSuccess;
        flags |= AllowsLinks ? SqeFlags.Link | SqeFlags.HardLink : SqeFlags.None;
        flags |= AllowsBufferPools ? SqeFlags.BufferSelect : SqeFlags.None;
        flags |= AllowsDirectDescriptors ? SqeFlags.FixedFile : SqeFlags.None;

        var registrations = new List<RegisterOpcode>();

        if (AllowsPersonalities)
        {
            registrations.Add(RegisterOpcode.Personality);
            registrations.Add(RegisterOpcode.UnregisterPersonality);
        }

        if (AllowsResizing)
        {
            registrations.Add(RegisterOpcode.ResizeRings);
        }

        return new Restriction(
            new(Operations.Select(operation => (Opcode)(byte)operation)),
            flags,
            new(registrations));
    }
}
