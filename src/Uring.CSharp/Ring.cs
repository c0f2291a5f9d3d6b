// A ring for C#: wraps Driver/LoopHost.fs. Decides nothing but which ring an operation without one goes to.
using System;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;
using Uring.Model;

namespace Uring;

/// <summary>
/// An io_uring with a thread of its own. Operations may be started from any thread. What is awaited on the ring's own
/// thread (see <see cref="RunAsync(Func{ValueTask}, CancellationToken)"/>) resumes there; what is awaited elsewhere resumes
/// as usual, on the captured context or the thread pool.
/// </summary>
/// <remarks>
/// Needs Linux 5.11; 6.1 or newer is recommended. Most programs need no ring of their own: operations without one use the
/// ring on whose thread they start, else <see cref="Default"/>. See man io_uring(7).
/// </remarks>
public sealed partial class Ring : IAsyncDisposable, IDisposable
{
    private static readonly Lock gate = new();
    private static Ring? shared;
    private readonly LoopHost host;

    private Ring(LoopHost host) => this.host = host;

    /// <summary>Makes a ring with the default <see cref="RingOptions"/> and starts its thread.</summary>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public Ring() : this(new RingOptions())
    {
    }

    /// <summary>Makes a ring and starts its thread.</summary>
    /// <param name="options">Sizes and limits; read once.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value of <paramref name="options"/> is out of its range.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public Ring(RingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        host = Hosting.StartLoop(options.Checked(), options.Name);
    }

    /// <summary>
    /// The ring that the whole process shares. It starts on first use, and again after somebody has disposed of it.
    /// </summary>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static Ring Default
    {
        get
        {
            var running = Hosting.DefaultLoop;

            lock (gate)
            {
                if (shared is null || !ReferenceEquals(shared.host, running))
                {
                    shared = new Ring(running);
                }

                return shared;
            }
        }
    }

    /// <summary>
    /// What the ring has done so far. A snapshot: while the ring works, the numbers may be a moment apart.
    /// </summary>
    public RingStatistics Statistics
    {
        get
        {
            var now = Loop.Statistics;
            return new RingStatistics { Enters = now.Enters, Submissions = now.Submitted, Completions = now.Completed };
        }
    }

    /// <summary>Operations that have begun and not ended. A snapshot.</summary>
    public int InFlight => Loop.InFlight;

    internal Loop Loop => host.Loop;

    /// <summary>Where an operation goes: to the ring named, else to the one whose thread this is, else to the default.</summary>
    internal static Loop LoopFor(Ring? ring) => ring?.Loop ?? Driver.Loop.Current ?? Hosting.DefaultLoop.Loop;

    /// <summary>Does nothing, by way of the kernel: a round trip, for measuring. See man io_uring_prep_nop(3).</summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask NopAsync(CancellationToken cancellationToken = default)
    {
        var request = RequestModule.bare(SubmissionModule.nop());
        return Loop.StartEffect(in request, cancellationToken);
    }

    /// <summary>
    /// Ends with a result of your choice, by way of the kernel: for tests of what a result leads to. Linux 6.10. See
    /// man io_uring_prep_nop(3), IORING_NOP_INJECT_RESULT.
    /// </summary>
    /// <param name="result">What it returns; an error number, negative, is raised as if an operation had met it.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns><paramref name="result"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="result"/> is below -4095, which is no error.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<int> NopAsync(int result, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(result, -RingNop.MostErrno);
        return NopAsync(new RingNop { Result = result }, cancellationToken);
    }

    /// <summary>
    /// Does nothing, on the way of operations that do something: for measuring what a look-up costs, and for tests. See
    /// man io_uring_prep_nop(3).
    /// </summary>
    /// <param name="nop">What it meets on its way.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns><see cref="RingNop.Result"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="nop"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// What it looks up is another ring's, or it has both a file and a socket.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than what is asked for.</exception>
    /// <exception cref="ObjectDisposedException">The ring, or what it looks up, was disposed of.</exception>
    public ValueTask<int> NopAsync(RingNop nop, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(nop);
        ObjectDisposedException.ThrowIf(Loop.IsStopping, this);
        var request = Nop.request(Loop, nop.Checked(nameof(nop)));
        return Loop.Start(in request, cancellationToken);
    }

    /// <summary>
    /// Stops the ring: cancels what is in flight, waits until the kernel has let go of every buffer, and gives the ring
    /// back. Awaiting operations end with an <see cref="OperationCanceledException"/>. Disposing again waits as well.
    /// </summary>
    public ValueTask DisposeAsync() => host.DisposeAsync();

    /// <summary>
    /// Begins what <see cref="DisposeAsync"/> does and returns at once; the ring's thread finishes it.
    /// </summary>
    public void Dispose() => _ = host.DisposeAsync();
}
