// A thread of the kernel that takes the ring's submissions, and what the ring may do.
using System;

namespace Uring;

public sealed partial class RingOptions
{
    /// <summary>
    /// A thread of the kernel takes what is submitted, without a system call. Helps a ring that submits all the time and has a
    /// processor to spare for that thread; hurts all others: the thread uses a processor until it has been idle for
    /// <see cref="SubmissionPollingIdle"/>, and results come by interrupts to the ring's own thread. Linux 5.13 (5.11 as
    /// root); see man io_uring_sqpoll(7). Defaults to false.
    /// </summary>
    public bool SubmissionPolling { get; set; }

    /// <summary>
    /// How long that thread looks for submissions in vain before it sleeps, to the millisecond; no time leaves the kernel's
    /// own second. It is woken by a system call. Needs <see cref="SubmissionPolling"/>. Defaults to no time.
    /// </summary>
    public TimeSpan SubmissionPollingIdle { get; set; }

    /// <summary>
    /// The processor that the thread stays on. Needs <see cref="SubmissionPolling"/>. See man io_uring_setup(2),
    /// IORING_SETUP_SQ_AFF. No value: any. Defaults to none.
    /// </summary>
    public int? SubmissionPollingProcessor { get; set; }

    /// <summary>
    /// A ring whose submitting thread this one shares, instead of having one of its own: that ring has to have been made with
    /// <see cref="SubmissionPolling"/>. Helps when several rings would each keep a processor busy; hurts when one of
    /// them is busy, which makes the other wait. The thread takes a few submissions of each ring at a time, so chains
    /// cannot be used on either. Needs <see cref="SubmissionPolling"/>. See man io_uring_setup(2),
    /// IORING_SETUP_ATTACH_WQ. Defaults to none.
    /// </summary>
    public Ring? SharedSubmitter { get; set; }

    /// <summary>
    /// What the ring may do, for a program that hands it to others; the kernel refuses the rest with an
    /// <see cref="UnauthorizedAccessException"/>. No value: everything. Defaults to none.
    /// </summary>
    public RingRestrictions? Restrictions { get; set; }
}
