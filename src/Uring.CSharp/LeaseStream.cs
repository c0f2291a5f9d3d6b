// A stream of received bytes as an async enumerable. The core's stream itself keeps the lease that was found last: copies of
// it on the way would cost more than all else here. So would a ValueTask for each wait, which asks at every turn whether it
// is a Task: `await foreach` finds an enumerator and a wait of their own, everybody else finds the interface.
using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;
using Uring.Driver;

namespace Uring;

/// <summary>
/// Received bytes, as they come: for <c>await foreach</c>. Each enumeration has an operation of its own, which begins with
/// its first step; leaving the loop ends it and gives back what was not looked at.
/// </summary>
public sealed class LeaseStream : IAsyncEnumerable<BufferLease>
{
    private readonly Func<CancellationToken, ValueTask<Stream>> open;
    private readonly CancellationToken token;

    internal LeaseStream(Func<CancellationToken, ValueTask<Stream>> open, CancellationToken cancellationToken)
    {
        this.open = open;
        token = cancellationToken;
    }

    /// <summary>Begins to enumerate: for <c>await foreach</c>.</summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public Enumerator GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        new(Begin(cancellationToken));

    IAsyncEnumerator<BufferLease> IAsyncEnumerable<BufferLease>.GetAsyncEnumerator(
        CancellationToken cancellationToken) => Begin(cancellationToken);

    private Enumeration Begin(CancellationToken other) => new(open, EitherToken.Of(token, other));

    /// <summary>What <c>await foreach</c> works with.</summary>
    public struct Enumerator : IAsyncEnumerator<BufferLease>
    {
        // Null in one that nobody has made.
        private readonly Enumeration? enumeration;
        // The enumeration's own, once it is open: at hand, without a look into another object at each message.
        private Stream? stream;

        internal Enumerator(Enumeration enumeration) => this.enumeration = enumeration;

        /// <summary>The bytes that the last step found: yours to dispose of.</summary>
        public readonly BufferLease Current =>
            (stream ?? enumeration?.Opened) is { } opened ? new BufferLease(opened.TakeCell(), opened.CellVersion) : default;

        /// <summary>Waits for the next; false at the end. Await it before the next step.</summary>
        public Wait MoveNextAsync()
        {
            stream ??= enumeration?.Opened;

            return stream is not null ? Wait.On(stream)
                : enumeration is not null ? new Wait(enumeration.MoveNextAsync().AsTask())
                : default;
        }

        readonly ValueTask<bool> IAsyncEnumerator<BufferLease>.MoveNextAsync() => enumeration?.MoveNextAsync() ?? default;

        /// <summary>Ends the operation, waits for its end, and gives back what was not looked at.</summary>
        public readonly ValueTask DisposeAsync() => enumeration?.DisposeAsync() ?? default;
    }

    /// <summary>The wait for the next piece: to be awaited once, at once.</summary>
    public readonly struct Wait : ICriticalNotifyCompletion
    {
        private static readonly object Found = new();
        private static readonly Action<object?> Continue = static continuation => ((Action)continuation!)();

        // One field, so that it stays in a register: null at the end, `Found`, the stream that is waited for, or a task.
        private readonly object? state;

        internal Wait(Task<bool> task) => state = task;

        private Wait(object? state) => this.state = state;

        /// <summary>Nothing has to be waited for.</summary>
        public bool IsCompleted =>
            state is Stream stream ? stream.IsCompleted : state is not Task<bool> task || task.IsCompleted;

        /// <summary>The awaiter, which it is itself.</summary>
        public Wait GetAwaiter() => this;

        /// <summary>Whether there is another piece.</summary>
        /// <exception cref="OperationCanceledException">The stream was cancelled.</exception>
        /// <exception cref="System.Net.Sockets.SocketException">The connection broke.</exception>
        /// <exception cref="System.IO.IOException">The file could not be read.</exception>
        /// <exception cref="ObjectDisposedException">The socket, the pool or the ring was disposed of.</exception>
        public bool GetResult() =>
            state is Stream stream ? stream.Waited()
            : ReferenceEquals(state, Found) ? true
            : state is Task<bool> task && task.GetAwaiter().GetResult();

        /// <summary>Goes on there when it is over, in the caller's execution context.</summary>
        /// <param name="continuation">What to call.</param>
        public void OnCompleted(Action continuation) =>
            Store(
                continuation,
                ValueTaskSourceOnCompletedFlags.UseSchedulingContext
                | ValueTaskSourceOnCompletedFlags.FlowExecutionContext);

        /// <summary>Goes on there when it is over.</summary>
        /// <param name="continuation">What to call.</param>
        public void UnsafeOnCompleted(Action continuation) =>
            Store(continuation, ValueTaskSourceOnCompletedFlags.UseSchedulingContext);

        internal static Wait On(Stream stream)
        {
            var found = stream.Step();

            return found.IsNothing ? new Wait((object)stream)
                : found.IsEnd ? default
                : found.IsFailure ? new Wait(Task.FromException<bool>(stream.TakeFailure()))
                : new Wait(Found);
        }

        private void Store(Action continuation, ValueTaskSourceOnCompletedFlags flags)
        {
            ArgumentNullException.ThrowIfNull(continuation);

            if (state is Stream stream)
            {
                stream.Await(Continue, continuation, flags);
            }
            else if (state is not Task<bool> task)
            {
                continuation();
            }
            else if (flags.HasFlag(ValueTaskSourceOnCompletedFlags.FlowExecutionContext))
            {
                task.GetAwaiter().OnCompleted(continuation);
            }
            else
            {
                task.GetAwaiter().UnsafeOnCompleted(continuation);
            }
        }
    }

    /// <summary>One enumeration.</summary>
    internal sealed class Enumeration(Func<CancellationToken, ValueTask<Stream>> open, EitherToken ending)
        : StreamEnumerator<BufferLease>(open, ending)
    {
        public override BufferLease Current =>
            Opened is { } stream ? new BufferLease(stream.TakeCell(), stream.CellVersion) : default;

        public override ValueTask<bool> MoveNextAsync() => NextAsync();
    }
}
