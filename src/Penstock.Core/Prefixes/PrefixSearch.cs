namespace Penstock.Core.Prefixes;

/// <summary>
/// How many leading blocks of a chain every replica holds. The holders of a block hold all blocks before it too, so
/// that the sets of holders shrink with depth, and the depths where they do are found by halving: O(d·log n) lookups
/// for n blocks and d different depths.
/// </summary>
internal sealed class PrefixSearch(BlockHolders blocks, int replicas)
{
    /// <summary>Halvings of the longest chain, and the sets before the first and after the last.</summary>
    private const int Levels = 24;

    private readonly ulong[] _sets = new ulong[Levels * ReplicaSet.Words(replicas)];
    private readonly int _words = ReplicaSet.Words(replicas);

    public void Match(ReadOnlySpan<ulong> chain, Span<int> matched)
    {
        matched.Clear();
        chain = chain[..Math.Min(chain.Length, PrefixChainBuilder.BlocksMax)];
        if (!chain.IsEmpty)
        {
            var nobody = Set(0);
            var first = Set(1);
            nobody.Clear();
            blocks.Find(chain[0], first);
            Split(chain, 0, first, chain.Length, nobody, matched);
        }
    }

    /// <summary>Settles those who hold the block at <paramref name="low"/> and not the one at <paramref name="high"/>.
    /// </summary>
    private void Split(
        ReadOnlySpan<ulong> chain, int low, ReadOnlySpan<ulong> lowHolders, int high, ReadOnlySpan<ulong> highHolders,
        Span<int> matched, int level = 2)
    {
        if (lowHolders.SequenceEqual(highHolders))
        {
            return;
        }

        if (high == low + 1)
        {
            ReplicaSet.Write(lowHolders, highHolders, high, matched);
            return;
        }

        var middle = low + ((high - low) / 2);
        var holders = Set(level);
        blocks.Find(chain[middle], holders);
        Split(chain, low, lowHolders, middle, holders, matched, level + 1);
        Split(chain, middle, holders, high, highHolders, matched, level + 1);
    }

    private Span<ulong> Set(int level) => _sets.AsSpan(level * _words, _words);
}
