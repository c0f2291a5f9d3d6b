// What goes along with a message: wraps the core's (Api/MessageReceipt.fs).
using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.FSharp.Collections;
using Core = Uring.FSharp.MessageExtras;

namespace Uring;

/// <summary>What goes along with a message that is sent, besides its bytes. See man sendmsg(2).</summary>
public sealed class MessageExtras
{
    /// <summary>
    /// Descriptors that the receiver gets as well: 253 at most, over a Unix socket. They stay yours, and open until the
    /// message is sent. See man unix(7), SCM_RIGHTS.
    /// </summary>
    public IReadOnlyList<SafeHandle> Handles { get; init; } = [];

    /// <summary>Other control messages: credentials, and what a protocol takes.</summary>
    public IReadOnlyList<ControlMessage> Control { get; init; } = [];

    /// <summary>Whom it is for; null on a connection.</summary>
    public EndPoint? EndPoint { get; init; }

    /// <summary>How it is sent.</summary>
    public SendFlags Flags { get; init; }

    internal Core Checked(string name)
    {
        if (Handles is null || Control is null || Handles.Contains(null!) || Control.Contains(null!))
        {
            throw new ArgumentException("Neither Handles nor Control may be null, nor one of them.", name);
        }

        if (EndPoint is { } endPoint)
        {
            SocketMaking.Check(endPoint);
        }

        return new Core(
            ListModule.OfSeq(Handles),
            ListModule.OfSeq(Control.Select(static one => one.Inner)),
            EndPoint,
            (FSharp.SendFlags)Flags.Checked(name));
    }
}
