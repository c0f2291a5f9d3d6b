// A key-value store in one log: a put appends and syncs, an index in memory says where each key's last
// record is, recovery reads the log from its start. One writer. Compaction: Careless.cs, Careful.cs.
using System;
using System.Collections.Generic;
using System.IO;
using System.Threading.Tasks;
using Uring;

namespace KeyValue;

internal sealed class Store : IAsyncDisposable
{
    /// <summary>Where the last record of each key begins, and its length.</summary>
    private readonly Dictionary<string, (long Start, int Length)> index = [];
    private UringFile file;

    /// <summary>Where the next record goes.</summary>
    private long end;

    private Store(UringFile file) => this.file = file;

    internal string Path => file.Path;

    /// <summary>Opens a store, or makes an empty one.</summary>
    internal static async Task<Store> OpenAsync(string path)
    {
        var store = new Store(await OpenLogAsync(path));
        await store.RecoverAsync();
        // Whoever reads a value relies on it, and a killed process may have left it unsynced.
        await store.file.FlushAsync();
        return store;
    }

    /// <summary>When this has ended, the value survives a power loss.</summary>
    internal async Task PutAsync(string key, string value)
    {
        var record = Record.Encode(key, value);
        await file.WriteAsync(record, end);
        await file.FlushAsync();
        index[key] = (end, record.Length);
        end += record.Length;
    }

    /// <summary>The value that was put last under this key, or null.</summary>
    internal async Task<string?> GetAsync(string key) =>
        index.TryGetValue(key, out var place) ? Record.TryDecode(await ReadAsync(place))?.Value : null;

    /// <summary>For compaction: writes the last record of each key to a file.</summary>
    internal async Task CopyToAsync(UringFile target)
    {
        var position = 0L;

        foreach (var place in index.Values)
        {
            await target.WriteAsync(await ReadAsync(place), position);
            position += place.Length;
        }
    }

    /// <summary>For compaction: goes on with the file that has the store's name now.</summary>
    internal async Task ReopenAsync()
    {
        var next = await OpenLogAsync(Path);
        await file.DisposeAsync();
        file = next;
        await RecoverAsync();
    }

    public ValueTask DisposeAsync() => file.DisposeAsync();

    private static ValueTask<UringFile> OpenLogAsync(string path) =>
        UringFile.OpenAsync(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);

    /// <summary>Reads the log up to a torn record: that one was never acknowledged, so it may go.</summary>
    private async Task RecoverAsync()
    {
        var log = await ReadAsync((0, (int)await file.GetLengthAsync()));
        index.Clear();
        end = 0;

        while (Record.TryDecode(log.AsSpan((int)end)) is { } record)
        {
            index[record.Key] = (end, record.Length);
            end += record.Length;
        }

        if (end < log.Length)
        {
            await file.SetLengthAsync(end);
        }
    }

    private async Task<byte[]> ReadAsync((long Start, int Length) place)
    {
        var bytes = new byte[place.Length];
        await file.ReadExactlyAsync(bytes, place.Start);
        return bytes;
    }
}
