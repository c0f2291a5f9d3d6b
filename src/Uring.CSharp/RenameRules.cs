using System;

namespace Uring;

/// <summary>What becomes of what is there already when something is renamed. See man renameat2(2).</summary>
[Flags]
public enum RenameRules
{
    /// <summary>It is replaced.</summary>
    None = 0,

    /// <summary>It is an error (EEXIST, 17).</summary>
    NoReplace = 1,

    /// <summary>Both exchange their names: both have to be there. Not with the others.</summary>
    Exchange = 2,

    /// <summary>A whiteout stays where the first was, for file systems in layers. For root alone.</summary>
    Whiteout = 4,
}
