namespace Uring;

/// <summary>
/// How memory will be used. Some advice takes contents away, or the process with them, and says so: it is for memory that was
/// mapped, never for what the runtime manages. See man madvise(2).
/// </summary>
public enum MemoryAdvice
{
    /// <summary>As any other: takes back <see cref="Random"/> and <see cref="Sequential"/>.</summary>
    Normal = 0,

    /// <summary>Here and there.</summary>
    Random = 1,

    /// <summary>From its start to its end.</summary>
    Sequential = 2,

    /// <summary>Soon.</summary>
    WillNeed = 3,

    /// <summary>No more. Takes the contents away: it reads as zeros, or as the file that is mapped there.</summary>
    DoNotNeed = 4,

    /// <summary>The contents may go when memory is short, until it is written to again. Private memory only.</summary>
    Free = 8,

    /// <summary>Takes the contents away, and those of the file or shared memory behind it: a hole.</summary>
    Remove = 9,

    /// <summary>A child that is forked does not get it.</summary>
    DoNotFork = 10,

    /// <summary>A child that is forked gets it: takes back <see cref="DoNotFork"/>.</summary>
    Fork = 11,

    /// <summary>Pages that are the same as others may be shared with them.</summary>
    Mergeable = 12,

    /// <summary>Takes back <see cref="Mergeable"/>.</summary>
    Unmergeable = 13,

    /// <summary>Large pages are welcome.</summary>
    HugePages = 14,

    /// <summary>Large pages are not welcome.</summary>
    NoHugePages = 15,

    /// <summary>Left out of a core dump.</summary>
    DoNotDump = 16,

    /// <summary>In a core dump: takes back <see cref="DoNotDump"/>.</summary>
    Dump = 17,

    /// <summary>A child that is forked finds zeros. Private memory only.</summary>
    WipeOnFork = 18,

    /// <summary>Takes back <see cref="WipeOnFork"/>.</summary>
    KeepOnFork = 19,

    /// <summary>Not soon: the first to go when memory is short. Linux 5.4.</summary>
    Cold = 20,

    /// <summary>It goes now, to the swap or to the file that is mapped there. Linux 5.4.</summary>
    PageOut = 21,

    /// <summary>The pages are made present to read. Linux 5.14.</summary>
    PopulateRead = 22,

    /// <summary>The pages are made present to write. Linux 5.14.</summary>
    PopulateWrite = 23,

    /// <summary>As <see cref="DoNotNeed"/>, of locked memory as well. Takes the contents away. Linux 5.18.</summary>
    DoNotNeedLocked = 24,

    /// <summary>Puts large pages in the place of small ones now. Linux 6.1.</summary>
    Collapse = 25,

    /// <summary>For tests of what follows: as if the hardware had lost the page. Takes the contents away, and kills who touches
    /// it. For root alone.</summary>
    HardwarePoison = 100,

    /// <summary>For tests: moves the contents elsewhere, and never uses the page again. For root alone.</summary>
    SoftOffline = 101,
}
