// Cuts the power in the middle of a store's life, 2000 times per compaction, and looks for what is lost.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;
using KeyValue;
using Uring.Simulation;

const int Runs = 2000;
var careless = await SearchAsync(Careless.CompactAsync);
var careful = await SearchAsync(Careful.CompactAsync);
Tell("careless", careless);
Tell("careful", careful);
return careless is not null && careful is null ? 0 : 1;

// The first lines of a report say what happened; the rest is how: operations and faults, up to the end.
static void Tell(string name, SimulationReport? report) =>
    Console.WriteLine(
        report is null
            ? $"{name}: survived {Runs} power losses"
            : $"{name}: fails with seed {report.Seed}\n"
                + string.Join('\n', report.ToString().Split('\n')[..3])
                + "\n");

// A new world for each run: what is acknowledged in one must not be looked for in another.
static Task<SimulationReport?> SearchAsync(Func<Store, Task> compact) =>
    Simulation.SearchCrashAsync(1, Runs, Faults.Ordinary, () =>
    {
        var acknowledged = new Dictionary<string, int>();
        return (() => WorkAsync(compact, acknowledged), () => CheckAsync(acknowledged));
    });

// Puts numbers, long enough to be torn in the middle, under a few keys, and compacts now and then.
static async Task WorkAsync(Func<Store, Task> compact, Dictionary<string, int> acknowledged)
{
    await using var store = await Store.OpenAsync("/store");

    for (var number = 1; number <= 100; number++)
    {
        var key = $"key {number % 3}";
        await store.PutAsync(key, number.ToString("D300", CultureInfo.InvariantCulture));
        acknowledged[key] = number;

        if (number % 5 == 0)
        {
            await compact(store);
        }
    }
}

// Runs when the power is back. A value may be newer than the acknowledged one, never older, and never gone.
static async Task CheckAsync(Dictionary<string, int> acknowledged)
{
    await using var store = await Store.OpenAsync("/store");

    foreach (var (key, number) in acknowledged)
    {
        var value = await store.GetAsync(key);

        if (value is null || int.Parse(value, CultureInfo.InvariantCulture) < number)
        {
            var found = value is null ? "gone" : $"{int.Parse(value, CultureInfo.InvariantCulture)} again";
            throw new InvalidDataException($"'{key}' was acknowledged as {number} and is {found}.");
        }
    }
}
