// What a program tells the kernel of its own memory.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>
    /// Says how memory will be used, without waiting for what the kernel makes of it. Linux 5.6; see man madvise(2).
    /// </summary>
    /// <param name="memory">
    /// Starts at the start of a page: mapped, or allocated so; its last page counts as a whole. Pinned until the task has
    /// ended.
    /// </param>
    /// <param name="advice">How it will be used. Contents stay, unless the advice says that it takes them away.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="memory"/> starts within a page, or the kernel has no such
    /// advice.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    /// <exception cref="UnauthorizedAccessException">The advice is for root alone.</exception>
    /// <exception cref="IOException">There is not enough memory (ENOMEM, 12), or another error; HResult is the errno.</exception>
    public ValueTask AdviseMemoryAsync(
        Memory<byte> memory,
        MemoryAdvice advice,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.adviseMemory(memory, (FSharp.MemoryAdvice)advice.Checked());
        return Loop.StartEffect(in request, cancellationToken);
    }
}
