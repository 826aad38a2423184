using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.Prefixes;

public class PairTableTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(20, 1)]
    [InlineData(20, 3)]
    [InlineData(500, 60)]
    [InlineData(5_000, 5_000)]
    public void Finds_what_was_added_and_not_removed_however_many_keys_are_equal(int capacity, int keys)
    {
        var table = new PairTable(capacity);
        var held = new ulong?[capacity + 1];
        var rng = new Rng((ulong)(capacity + keys));
        for (var step = 0; step < capacity * 40; step++)
        {
            var at = rng.NextInt32(capacity) + 1;
            if (held[at] is { } old)
            {
                table.Remove(old, at);
                held[at] = null;
            }
            else
            {
                var key = (ulong)rng.NextInt32(keys) * 0x9FB21C651E98DF25UL;
                table.Add(key, at);
                held[at] = key;
            }
        }

        for (var i = 0; i < keys; i++)
        {
            var key = (ulong)i * 0x9FB21C651E98DF25UL;
            var expected = Enumerable.Range(1, capacity).Where(at => held[at] == key);
            Assert.Equal(expected, Under(table, key).Where(at => held[at] == key).Order());
            Assert.InRange(table.CountOfMaybe(key), expected.Count(), capacity);
        }
    }

    private static List<int> Under(PairTable table, ulong key)
    {
        var found = new List<int>();
        var probe = table.Find(key);
        while (probe.Next() is not PairTable.None and var at)
        {
            found.Add(at);
        }

        return found;
    }
}
