using System.Numerics;

namespace Penstock.Core.Prefixes;

/// <summary>Sets of replica slots, a bit each.</summary>
internal static class ReplicaSet
{
    public static int Words(int replicas) => (replicas + 63) / 64;

    public static void Add(Span<ulong> set, int replica) => set[replica >> 6] |= 1UL << (replica & 63);

    public static void Remove(Span<ulong> set, int replica) => set[replica >> 6] &= ~(1UL << (replica & 63));

    public static int Count(ReadOnlySpan<ulong> set)
    {
        var count = 0;
        foreach (var word in set)
        {
            count += BitOperations.PopCount(word);
        }

        return count;
    }

    /// <summary>Writes <paramref name="value"/> for every replica of <paramref name="set"/> that is not in
    /// <paramref name="without"/>.</summary>
    public static void Write(ReadOnlySpan<ulong> set, ReadOnlySpan<ulong> without, int value, Span<int> values)
    {
        for (var word = 0; word < set.Length; word++)
        {
            for (var left = set[word] & ~without[word]; left != 0; left &= left - 1)
            {
                values[(word << 6) + BitOperations.TrailingZeroCount(left)] = value;
            }
        }
    }
}
