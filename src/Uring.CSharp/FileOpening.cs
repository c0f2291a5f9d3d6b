// What FileMode and FileAccess mean in open(2)'s flags: the rules of FileStream.
using System;
using System.IO;
using Uring.FSharp;

namespace Uring;

internal static class FileOpening
{
    /// <summary>Read and write for everybody, less the process's umask: what FileStream asks for.</summary>
    internal const UnixFileMode NewFileMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite |
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite |
        UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    internal static OpenFlags Flags(FileMode mode, FileAccess access)
    {
        var flags = FlagsOf(mode) | FlagsOf(access);

        if (mode == FileMode.Append && access != FileAccess.Write)
        {
            throw new ArgumentException("FileMode.Append only writes: ask for FileAccess.Write.", nameof(access));
        }

        if (access == FileAccess.Read && mode is not (FileMode.Open or FileMode.OpenOrCreate))
        {
            throw new ArgumentException("This FileMode writes: ask for FileAccess.Write or ReadWrite.", nameof(access));
        }

        return flags;
    }

    private static OpenFlags FlagsOf(FileMode mode) => mode switch
    {
        FileMode.CreateNew => OpenFlags.Create | OpenFlags.Exclusive,
        FileMode.Create => OpenFlags.Create | OpenFlags.Truncate,
        FileMode.Open => OpenFlags.Read,
        FileMode.OpenOrCreate => OpenFlags.Create,
        FileMode.Truncate => OpenFlags.Truncate,
        FileMode.Append => OpenFlags.Create | OpenFlags.Append,
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "This is no FileMode."),
    };

    private static OpenFlags FlagsOf(FileAccess access) => access switch
    {
        FileAccess.Read => OpenFlags.Read,
        FileAccess.Write => OpenFlags.Write,
        FileAccess.ReadWrite => OpenFlags.ReadWrite,
        _ => throw new ArgumentOutOfRangeException(nameof(access), access, "This is no FileAccess."),
    };
}
