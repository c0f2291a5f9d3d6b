namespace Uring;

/// <summary>How a file will be read. See man posix_fadvise(2).</summary>
public enum FileAdvice
{
    /// <summary>As any other: takes back <see cref="Random"/> and <see cref="Sequential"/>.</summary>
    Normal = 0,

    /// <summary>Here and there: reading ahead is of no use.</summary>
    Random = 1,

    /// <summary>From its start to its end: the kernel reads further ahead.</summary>
    Sequential = 2,

    /// <summary>Soon: the kernel reads it into memory.</summary>
    WillNeed = 3,

    /// <summary>Not soon: what is in memory and on the device can go from memory.</summary>
    DoNotNeed = 4,

    /// <summary>Once.</summary>
    NoReuse = 5,
}
