using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>The prefix index as one would write it without a thought for speed: a list a replica, newest first.
/// </summary>
internal sealed class ListIndex(int replicas, int blocksPerReplica)
{
    private readonly List<ulong>[] _held = [.. Enumerable.Range(0, replicas).Select(_ => new List<ulong>())];

    public int CountOf(int replica) => _held[replica].Count;

    public void Clear(int replica) => _held[replica].Clear();

    public void Insert(IEnumerable<ulong> chain, int replica)
    {
        var held = _held[replica];
        foreach (var block in chain.Take(blocksPerReplica).Reverse())
        {
            held.Remove(block);
            held.Insert(0, block);
            if (held.Count > blocksPerReplica)
            {
                held.RemoveAt(held.Count - 1);
            }
        }
    }

    public int[] Match(ulong[] chain) =>
        [.. _held.Select(held => chain.TakeWhile(held.Contains).Count())];

    /// <summary>The chain that a path of turns leads to, <paramref name="blocksEach"/> blocks a turn: paths with a
    /// common beginning have a common prefix.</summary>
    public static ulong[] Chain(IEnumerable<int> path, int blocksEach)
    {
        var parent = 1UL;
        var chain = new List<ulong>();
        foreach (var turn in path)
        {
            for (var i = 0; i < blocksEach; i++)
            {
                parent = Hash64.Combine(parent, (ulong)((turn * 100) + i + 1));
                chain.Add(parent);
            }
        }

        return [.. chain];
    }
}
