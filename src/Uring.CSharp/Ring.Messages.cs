// Messages from ring to ring.
using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>
    /// Sends another ring, or this one, a message, by way of the kernel and without a lock. It is there when
    /// <see cref="MessagesAsync"/> comes to it, in the order in which this ring has sent them. Linux 5.18; see
    /// man io_uring_prep_msg_ring(3).
    /// </summary>
    /// <param name="target">Whose it is.</param>
    /// <param name="message">Numbers; <see cref="RingMessage.Flags"/> other than 0 need Linux 6.3.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentNullException"><paramref name="target"/> is null.</exception>
    /// <exception cref="IOException">The kernel has no room for it (EOVERFLOW, 75); HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">One of the rings was disposed of.</exception>
    public ValueTask PostAsync(Ring target, RingMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        return new(MailModule.send(Loop, target.Loop, message.Tag, message.Value, message.Flags, cancellationToken));
    }

    /// <summary>
    /// What other rings have sent to this one, oldest first, until it is disposed of. What nobody takes stays; two who take
    /// share the messages.
    /// </summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ObjectDisposedException">The ring was disposed of before.</exception>
    public IAsyncEnumerable<RingMessage> MessagesAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(Loop.IsStopping, this);
        return TakeAsync(Loop.Flights.Mailbox, cancellationToken);
    }

    private static async IAsyncEnumerable<RingMessage> TakeAsync(
        Mailbox mailbox,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await mailbox.Wait(cancellationToken).ConfigureAwait(Ending.OnLoop))
        {
            var message = (Tag: 0, Value: 0, Flags: 0u);

            if (mailbox.TryTake(ref message))
            {
                yield return new RingMessage(message.Tag, message.Value) { Flags = message.Flags };
            }
        }
    }
}
