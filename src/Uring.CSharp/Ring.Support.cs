// Whether there is a ring to be had here at all.
using System;
using System.Threading;
using Uring.Driver;
using Uring.Kernel;

namespace Uring;

public sealed partial class Ring
{
    private static readonly Lazy<string?> obstacle = new(FindObstacle, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>
    /// True when io_uring can be used here. Tried once, then remembered; never throws.
    /// </summary>
    public static bool IsSupported => UnsupportedReason is null;

    /// <summary>
    /// Why io_uring cannot be used here (an old kernel, seccomp, a sysctl, RLIMIT_MEMLOCK) and what to do about it; null
    /// when it can. Tried once, then remembered; never throws.
    /// </summary>
    public static string? UnsupportedReason => Hosting.IsSimulated ? null : obstacle.Value;

    private static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "io_uring is a part of Linux, and this is another system.";
        }

        try
        {
            var attempt = Setup.create(ProcessKernel.Current, 1, 1);

            if (attempt.IsError)
            {
                return Setup.explain(attempt.ErrorValue);
            }

            attempt.ResultValue.Close();
            return null;
        }
        catch (Exception reason)
        {
            return reason.Message;
        }
    }
}
