// The same compaction, with one line more.
using System.IO;
using System.Threading.Tasks;
using Uring;

namespace KeyValue;

internal static class Careful
{
    internal static async Task CompactAsync(Store store)
    {
        var path = store.Path + ".new";

        await using (var file = await UringFile.OpenAsync(path, FileMode.Create, FileAccess.Write))
        {
            await store.CopyToAsync(file);
            // A new name can reach the disk before the bytes behind it: without this the move puts a file
            // that a power loss may empty in the place of one that it cannot touch.
            await file.FlushAsync();
        }

        await UringFile.MoveAsync(path, store.Path, overwrite: true);
        await store.ReopenAsync();
    }
}
