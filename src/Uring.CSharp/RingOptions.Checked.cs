// What the options come to: checked, with the names of the properties that are wrong.
using System;
using System.Linq;
using Microsoft.FSharp.Core;
using Uring.Driver;
using Uring.Model;

namespace Uring;

public sealed partial class RingOptions
{
    private const int MostProcessors = 8192;

    internal LoopOptions Checked()
    {
        ArgumentException.ThrowIfNullOrEmpty(Name);
        ArgumentOutOfRangeException.ThrowIfLessThan(SubmissionEntries, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(SubmissionEntries, MostSubmissions);
        ArgumentOutOfRangeException.ThrowIfLessThan(CompletionEntries, SubmissionEntries);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(CompletionEntries, MostCompletions);
        ArgumentOutOfRangeException.ThrowIfNegative(BoundedWorkers);
        ArgumentOutOfRangeException.ThrowIfNegative(UnboundedWorkers);
        ArgumentOutOfRangeException.ThrowIfNegative(DirectDescriptors);
        ArgumentOutOfRangeException.ThrowIfNegative(ReservedDescriptors);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ReservedDescriptors, DirectDescriptors);
        ArgumentOutOfRangeException.ThrowIfLessThan(RegisteredBuffers, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(RegisteredBuffers, BufferSlotsModule.Most);
        ArgumentOutOfRangeException.ThrowIfNegative(Looks);
        CheckWaiting();
        CheckSubmitting();

        // Last, because it changes the other ring.
        var wishes = Wishes();
        var restriction = Restrictions is null
            ? FSharpValueOption<Restriction>.None
            : FSharpValueOption<Restriction>.NewValueSome(Restrictions.ToModel());

        return new LoopOptions(
            entries: SubmissionEntries,
            completions: CompletionEntries,
            boundedWorkers: BoundedWorkers,
            unboundedWorkers: UnboundedWorkers,
            workerProcessors: [.. WorkerProcessors],
            directDescriptors: DirectDescriptors,
            reservedDescriptors: ReservedDescriptors,
            registeredBuffers: RegisteredBuffers,
            looks: Looks,
            wake: LoopOptionsModule.standard.Wake,
            setup: wishes,
            restriction: restriction,
            waitFor: WaitFor,
            minimumWait: (int)MinimumWait.TotalMicroseconds,
            noIoWait: NoIoWait,
            registersRing: RegistersRing,
            busyPolling: (int)BusyPolling.TotalMicroseconds,
            prefersBusyPolling: PrefersBusyPolling,
            waitClock: (Model.Clock)WaitClock,
            eventDescriptor: EventDescriptor is null ? -1 : (int)EventDescriptor.DangerousGetHandle());
    }

    private void CheckWaiting()
    {
        ArgumentNullException.ThrowIfNull(WorkerProcessors);

        if (WorkerProcessors.Any(processor => processor is < 0 or >= MostProcessors))
        {
            throw new ArgumentOutOfRangeException(
                nameof(WorkerProcessors),
                "Processors have numbers from 0 to 8191.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(WaitFor, 1);
        CheckSpan(MinimumWait, nameof(MinimumWait));
        CheckSpan(BusyPolling, nameof(BusyPolling));

        if (WaitFor > 1 && MinimumWait.TotalMicroseconds < 1)
        {
            throw new ArgumentException(
                "Waiting for several results needs a time after which one is enough, or a single one could wait for ever.",
                nameof(MinimumWait));
        }

        if (WaitClock is not (Clock.Monotonic or Clock.BootTime))
        {
            throw new ArgumentOutOfRangeException(
                nameof(WaitClock),
                WaitClock,
                "Waits go by the monotonic clock, or by boot time.");
        }

        if (EventDescriptor is { IsInvalid: true } or { IsClosed: true })
        {
            throw new ArgumentException("The descriptor is closed.", nameof(EventDescriptor));
        }
    }

    /// <summary>Up to half an hour, which fits an int of microseconds, and of milliseconds.</summary>
    private static void CheckSpan(TimeSpan span, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(span, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(span, TimeSpan.FromMinutes(30), name);
    }

    private void CheckSubmitting()
    {
        CheckSpan(SubmissionPollingIdle, nameof(SubmissionPollingIdle));

        if (SubmissionPollingProcessor is < 0 or >= MostProcessors)
        {
            throw new ArgumentOutOfRangeException(
                nameof(SubmissionPollingProcessor),
                "Processors have numbers from 0 to 8191.");
        }

        var orphan = SubmissionPolling ? null
            : SubmissionPollingIdle > TimeSpan.Zero ? nameof(SubmissionPollingIdle)
            : SubmissionPollingProcessor is not null ? nameof(SubmissionPollingProcessor)
            : SharedSubmitter is not null ? nameof(SharedSubmitter)
            : null;

        if (orphan is not null)
        {
            throw new ArgumentException("It needs a submitting thread: set SubmissionPolling as well.", orphan);
        }

        if (SharedSubmitter is not null && SubmissionPollingProcessor is not null)
        {
            throw new ArgumentException(
                "A thread that is shared stays where its first ring has put it.",
                nameof(SubmissionPollingProcessor));
        }
    }

    private RingWishes Wishes()
    {
        if (!SubmissionPolling)
        {
            return RingSetup.nothing;
        }

        var lent = SharedSubmitter?.Loop.LendSubmitter() ?? RingSetup.nothing;
        var affinity = SubmissionPollingProcessor is null ? SetupFlags.None : SetupFlags.SubmissionAffinity;

        return new RingWishes(
            asked: lent.Asked | SetupFlags.SubmissionPolling | affinity,
            pollingIdle: (uint)SubmissionPollingIdle.TotalMilliseconds,
            pollingProcessor: (uint)(SubmissionPollingProcessor ?? 0),
            sharedWith: lent.SharedWith);
    }
}
