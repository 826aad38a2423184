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
    private readonly PrefixKeying _keying;
    private readonly int[] _matched;
    private readonly CacheShape[] _shapes;
    private readonly ulong[] _sets;
    private readonly int _words;

    /// <param name="replicasMax">Replica slots of the pool.</param>
    /// <param name="blocksPerReplica">Blocks remembered of each replica at most.</param>
    /// <param name="keying">What the blocks of prompts are made of.</param>
    public PrefixIndex(int replicasMax, int blocksPerReplica, PrefixKeying keying)
    {
        Check.That(replicasMax > 0 && blocksPerReplica > 0);
        _holders = new BlockHolders(replicasMax, blocksPerReplica);
        _keying = keying;
        UnitsPerToken = keying.AreTokens ? 1 : 4;
        _matched = new int[replicasMax];
        _shapes = new CacheShape[replicasMax];
        _words = ReplicaSet.Words(replicasMax);
        _sets = new ulong[Levels * _words];
    }

    /// <summary>Blocks remembered of each replica at most.</summary>
    public int BlocksPerReplica => _holders.BlocksPerReplica;

    /// <summary>What the blocks of prompts are made of.</summary>
    public PrefixKeying Keying => _keying;

    /// <summary>Bytes of canonical prompt per token, learned from what engines report; 1 where prompts are keyed by
    /// tokens.</summary>
    public double UnitsPerToken { get; private set; }

    /// <summary>Blocks remembered of one replica now.</summary>
    public int CountOf(int replica) => _holders.CountOf(replica);

    /// <summary>The cache of a replica is now known to have this shape.</summary>
    public void Shape(int replica, in CacheShape shape) => _shapes[replica] = shape;

    /// <summary>The tokens of a prompt, estimated; at least 1.</summary>
    public long TokensOf(in PromptPrefix prompt) => Math.Max(1, (long)(prompt.Length / UnitsPerToken));

    /// <summary>For every replica, how many leading tokens of the prompt it is believed to hold, into
    /// <paramref name="matches"/> (one element per replica slot).</summary>
    public void Match(in PromptPrefix prompt, Span<PrefixMatch> matches)
    {
        Match(prompt.Blocks, _matched);
        var tokensPerBlock = _keying.BlockLength / UnitsPerToken;
        for (var i = 0; i < matches.Length; i++)
        {
            matches[i] = new PrefixMatch { Device = (long)(_matched[i] * tokensPerBlock) };
        }
    }

    /// <summary>A request with this prompt was sent to a replica: until it ends its blocks stay there.</summary>
    public void Dispatched(in PromptPrefix prompt, int replica, Instant now) => Insert(prompt.Blocks, replica);

    /// <summary>A request that was dispatched has ended, with what the engine said about it.</summary>
    public void Released(in PromptPrefix prompt, int replica, in CacheReport report, Instant now)
    {
        if (report.Completed && report.PromptTokens >= 64 && prompt.Length > 0 && !_keying.AreTokens)
        {
            var ratio = Math.Clamp(prompt.Length / (double)report.PromptTokens, 0.5, 16);
            UnitsPerToken += 0.05 * (ratio - UnitsPerToken);
        }

        if (report.Completed)
        {
            Insert(prompt.Blocks, replica);
        }
    }

    /// <summary>Another gateway is known to have sent a prompt with these blocks to a replica.</summary>
    public void Heard(ReadOnlySpan<ulong> blocks, int replica) => Insert(blocks, replica);

    /// <summary>The engine says that it stored these blocks. Only where prompts are keyed by tokens.</summary>
    public void Stored(int replica, CacheTier tier, ReadOnlySpan<ulong> blocks)
    {
        if (tier == CacheTier.Device)
        {
            Insert(blocks, replica);
        }
    }

    /// <summary>The engine says that it dropped these blocks. Only where prompts are keyed by tokens.</summary>
    public void Removed(int replica, CacheTier tier, ReadOnlySpan<ulong> blocks) =>
        Check.That(tier <= CacheTier.Shared && replica < _shapes.Length && blocks.Length >= 0);

    /// <summary>The engine says how many tokens it holds: what is remembered beyond that is forgotten.</summary>
    public void Resident(int replica, CacheTier tier, long tokens) =>
        Check.That(tier <= CacheTier.Shared && replica < _shapes.Length && tokens >= 0);

    /// <summary>What a replica would have to give up to take in <paramref name="tokens"/> more.</summary>
    public CacheVictims Victims(int replica, long tokens, Instant now) =>
        _holders.CountOf(replica) < 0 ? new CacheVictims(tokens, now - now, 0) : default;

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

    internal void Save(StateWriter to)
    {
        to.Write(UnitsPerToken);
        _holders.Save(to);
    }

    internal void Load(ref StateReader from)
    {
        UnitsPerToken = from.Read<double>();
        _holders.Load(ref from);
    }
}
