namespace Uring;

/// <summary>How memory will be used: of man madvise(2) what takes no contents away.</summary>
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

    /// <summary>Large pages are welcome.</summary>
    HugePages = 14,

    /// <summary>Large pages are not welcome.</summary>
    NoHugePages = 15,

    /// <summary>Not soon: the first to go when memory is short. Linux 5.4.</summary>
    Cold = 20,

    /// <summary>It goes now, to the swap or to the file that is mapped there. Linux 5.4.</summary>
    PageOut = 21,

    /// <summary>The pages are made present to read. Linux 5.14.</summary>
    PopulateRead = 22,

    /// <summary>The pages are made present to write. Linux 5.14.</summary>
    PopulateWrite = 23,
}
