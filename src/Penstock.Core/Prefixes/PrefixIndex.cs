using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What each replica of a pool is believed to hold in its prefix cache, learned from what was routed there. A bounded
/// table of (block hash, replica) pairs; every replica has an LRU list of its own with a hard cap.
/// </summary>
/// <remarks>
/// All memory is allocated by the constructor: <see cref="BytesPerEntry"/> bytes a pair at most, and 64 bytes a
/// replica. An insertion touches the chain from its end to its start, so of one chain the deepest blocks are the first
/// to be evicted, and what a replica holds of a chain is always a prefix of it. <see cref="Match"/> rests on that.
/// Not thread-safe: the owner of the pool state calls it.
/// </remarks>
public sealed class PrefixIndex
{
    /// <summary>Bytes of memory per (block, replica) pair at most, all tables included.</summary>
    public const int BytesPerEntry = 32;

    /// <summary>Halvings of the longest chain, and the sets before the first and after the last.</summary>
    private const int Levels = 24;

    private readonly BlockHolders _holders;
    private readonly ulong[] _sets;
    private readonly int _words;

    /// <param name="replicasMax">Replica slots of the pool.</param>
    /// <param name="blocksPerReplica">Blocks remembered of each replica at most.</param>
    public PrefixIndex(int replicasMax, int blocksPerReplica)
    {
        Check.That(replicasMax > 0 && blocksPerReplica > 0);
        _holders = new BlockHolders(replicasMax, blocksPerReplica);
        _words = ReplicaSet.Words(replicasMax);
        _sets = new ulong[Levels * _words];
    }

    /// <summary>Blocks remembered of each replica at most.</summary>
    public int BlocksPerReplica => _holders.BlocksPerReplica;

    /// <summary>Blocks remembered of one replica now.</summary>
    public int CountOf(int replica) => _holders.CountOf(replica);

    /// <summary>
    /// For every replica, how many leading blocks of <paramref name="chain"/> it is believed to hold, into
    /// <paramref name="matched"/> (one element per replica slot).
    /// </summary>
    /// <remarks>The holders of a block hold all blocks before it too, so that the sets of holders shrink with depth and
    /// the depths where they do can be found by halving: O(d·log n) lookups for n blocks and d different depths.
    /// </remarks>
    public void Match(ReadOnlySpan<ulong> chain, Span<int> matched)
    {
        matched.Clear();
        chain = chain[..Math.Min(chain.Length, PrefixChainBuilder.BlocksMax)];
        if (!chain.IsEmpty)
        {
            var nobody = Set(0);
            var first = Set(1);
            nobody.Clear();
            _holders.Find(chain[0], first);
            Split(chain, 0, first, chain.Length, nobody, matched);
        }
    }

    /// <summary>Notes that <paramref name="replica"/> now holds <paramref name="chain"/> (its first blocks, where it is
    /// longer than the cap).</summary>
    public void Insert(ReadOnlySpan<ulong> chain, int replica)
    {
        for (var depth = Math.Min(chain.Length, BlocksPerReplica) - 1; depth >= 0; depth--)
        {
            _holders.Touch(chain[depth], replica);
        }
    }

    /// <summary>Forgets all that is believed of one replica: it restarted, or it left.</summary>
    public void Clear(int replica)
    {
        while (_holders.CountOf(replica) > 0)
        {
            _holders.Evict(replica);
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
        _holders.Find(chain[middle], holders);
        Split(chain, low, lowHolders, middle, holders, matched, level + 1);
        Split(chain, middle, holders, high, highHolders, matched, level + 1);
    }

    private Span<ulong> Set(int level) => _sets.AsSpan(level * _words, _words);
}
