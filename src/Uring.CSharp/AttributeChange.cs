namespace Uring;

/// <summary>Whether an extended attribute may be there before it is set. See man fsetxattr(2).</summary>
public enum AttributeChange
{
    /// <summary>There or not.</summary>
    CreateOrReplace = 0,

    /// <summary>It must not be there (EEXIST, 17).</summary>
    Create = 1,

    /// <summary>It must be there (ENODATA, 61).</summary>
    Replace = 2,
}
