// A compaction as one finds it in the wild. Every test passes: the new log replaces the old one in one step.
using System.IO;
using System.Threading.Tasks;
using Uring;

namespace KeyValue;

internal static class Careless
{
    internal static async Task CompactAsync(Store store)
    {
        var path = store.Path + ".new";

        await using (var file = await UringFile.OpenAsync(path, FileMode.Create, FileAccess.Write))
        {
            await store.CopyToAsync(file);
        }

        await UringFile.MoveAsync(path, store.Path, overwrite: true);
        await store.ReopenAsync();
    }
}
