// One entry of a message's control data: wraps Model/ControlMessage.fs, which knows how they lie in memory.
using System;
using Core = Uring.Model.ControlMessage;
using Module = Uring.Model.ControlMessageModule;

namespace Uring;

/// <summary>
/// What goes along with a message, besides its bytes and descriptors: one entry of its control data. See man cmsg(3).
/// </summary>
public sealed class ControlMessage
{
    /// <summary>An entry as the protocol has it.</summary>
    /// <param name="level">The protocol's number, SOL_SOCKET (1) for instance.</param>
    /// <param name="type">Its own number for this sort of entry.</param>
    /// <param name="data">The bytes; the array itself is copied when the message is sent.</param>
    /// <exception cref="ArgumentException">
    /// It would be descriptors (SCM_RIGHTS): these go by <see cref="MessageExtras.Handles"/>.
    /// </exception>
    public ControlMessage(int level, int type, ReadOnlyMemory<byte> data)
    {
        if ((level, type) == (1, 1))
        {
            throw new ArgumentException("Descriptors go by MessageExtras.Handles, which keeps them open.", nameof(type));
        }

        Level = level;
        Type = type;
        Data = data;
    }

    /// <summary>Says who sends the message; one who is not root may say only the truth. Over Unix sockets.</summary>
    /// <param name="credentials">Who.</param>
    public ControlMessage(PeerCredentials credentials)
        : this(Core.NewCredentials(new(credentials.ProcessId, credentials.UserId, credentials.GroupId)))
    {
    }

    internal ControlMessage(Core core)
    {
        var (level, kind, data) = Module.parts(core);
        Level = level;
        Type = kind;
        Data = data;

        if (core is Core.Credentials who)
        {
            Credentials = new(who.Item.ProcessId, who.Item.UserId, who.Item.GroupId);
        }
    }

    /// <summary>The protocol's number.</summary>
    public int Level { get; }

    /// <summary>The protocol's own number for this sort of entry.</summary>
    public int Type { get; }

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>Who sent the message, if it is that which the entry says.</summary>
    public PeerCredentials? Credentials { get; }

    /// <summary>Bytes of control data that credentials take.</summary>
    public static int RoomForCredentials => Module.roomForCredentials;

    internal Core Inner => Core.NewRaw(Level, Type, Data.ToArray());

    /// <summary>Bytes of control data that so many descriptors take, in one message.</summary>
    /// <param name="count">0 to 253.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is out of that range.</exception>
    public static int RoomForDescriptors(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Module.MostDescriptors);
        return Module.roomForDescriptors(count);
    }

    /// <summary>Bytes of control data that an entry takes.</summary>
    /// <param name="dataLength">Bytes of its <see cref="Data"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dataLength"/> is negative, or too large.</exception>
    public static int RoomFor(int dataLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(dataLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dataLength, 1 << 20);
        return Module.room(dataLength);
    }

    internal static ControlMessage[] All(Microsoft.FSharp.Collections.FSharpList<Core> core)
    {
        var messages = new ControlMessage[core.Length];
        var at = 0;

        foreach (var one in core)
        {
            messages[at++] = new ControlMessage(one);
        }

        return messages;
    }
}
