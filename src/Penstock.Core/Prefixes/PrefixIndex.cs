using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What each replica of a pool is believed to hold in its prefix cache, learned from what was routed there. A bounded
/// table of (block hash, replica) pairs; every replica has an LRU list of its own with a hard cap.
/// </summary>
/// <remarks>
/// All memory is allocated by the constructor: <see cref="BytesPerEntry"/> bytes a pair at most,
/// <see cref="BytesPerReplica"/> a replica and <see cref="BytesPerPool"/>. An insertion touches the chain from its end to its start, so of one chain the deepest blocks are the first
/// to be evicted, and what a replica holds of a chain is always a prefix of it. <see cref="Match"/> rests on that.
/// Not thread-safe: the owner of the pool state calls it.
/// </remarks>
public sealed class PrefixIndex
{
    /// <summary>Bytes of memory per (block, replica) pair at most, all tables included.</summary>
    public const int BytesPerEntry = 32;

    /// <summary>Bytes of memory per replica slot at most, beside its entries.</summary>
    public const int BytesPerReplica = AgeRing.BytesPerReplica + 512;

    /// <summary>Bytes of memory of an index, beside its replicas and entries.</summary>
    public const int BytesPerPool = KnownLengths.Bytes + 8_192;

    /// <summary>Halvings of the longest chain, and the sets before the first and after the last.</summary>
    private const int Levels = 24;

    /// <summary>vLLM's own default.</summary>
    private const int DefaultBlockTokens = 16;

    /// <summary>Tokens from which on a length says something about the ratio.</summary>
    private const int LearnedFrom = 32;

    private readonly BlockHolders _holders;
    private readonly AgeRing _ages;
    private readonly CacheLists _lists;
    private readonly KnownLengths _known = new();
    private readonly PromptLengths _lengths;
    private readonly CacheForecast _forecast;
    private readonly LruMirror _lru;
    private readonly PrefixKeying _keying;
    private readonly int[] _matched;
    private readonly ulong[] _sets;
    private readonly int _words;

    /// <param name="replicasMax">Replica slots of the pool.</param>
    /// <param name="blocksPerReplica">Blocks remembered of each replica at most.</param>
    /// <param name="keying">What the blocks of prompts are made of.</param>
    public PrefixIndex(int replicasMax, int blocksPerReplica, PrefixKeying keying)
    {
        Check.That(replicasMax > 0 && blocksPerReplica > 0);
        _holders = new BlockHolders(replicasMax, blocksPerReplica);
        _ages = new AgeRing(replicasMax);
        _lists = new CacheLists(_holders, _ages, replicasMax);
        _lengths = new PromptLengths(_known);
        _forecast = new CacheForecast(_holders, _lists, _known, replicasMax);
        _lru = new LruMirror(_holders, _lists, _forecast, keying.BlockLength);
        _keying = keying;
        UnitsPerToken = keying.AreTokens ? 1 : 4;
        _matched = new int[replicasMax];
        _words = ReplicaSet.Words(replicasMax);
        _sets = new ulong[Levels * _words];
        UnitsPerToken = keying.AreTokens ? 1 : 4;
        for (var replica = 0; replica < replicasMax; replica++)
        {
            Shape(replica, default);
        }
    }

    /// <summary>Blocks remembered of each replica at most.</summary>
    public int BlocksPerReplica => _holders.BlocksPerReplica;

    /// <summary>What the blocks of prompts are made of.</summary>
    public PrefixKeying Keying => _keying;

    /// <summary>Bytes of canonical prompt per token, learned from what engines report; 1 where prompts are keyed by
    /// tokens.</summary>
    public double UnitsPerToken { get; private set; }

    /// <summary>Entries remembered of one replica now: blocks, ends of parts, and answers.</summary>
    public int CountOf(int replica) => _holders.CountOf(replica);

    /// <summary>Tokens that one replica is believed to hold in a tier of its own.</summary>
    public long TokensAt(int replica, CacheTier tier = CacheTier.Device) => _lists[replica][tier].Tokens;

    /// <summary>Entries times requests in flight that hold them, of one replica.</summary>
    public long PinsAt(int replica) => _lists[replica].Pins;

    /// <summary>Times that requests in flight held so much that a replica's mirror had no room for another.</summary>
    public long OverflowsAt(int replica) => _lists[replica].Overflows;

    /// <summary>The cache of a replica is now known to have this shape.</summary>
    public void Shape(int replica, in CacheShape shape)
    {
        ref var cache = ref _lists[replica];
        cache.Device.Capacity = shape.CapacityTokens > 0 ? shape.CapacityTokens : long.MaxValue / 2;
        cache.Host.Capacity = shape.HostTokens;
        cache.Disk.Capacity = shape.DiskTokens;
        cache.LosesRuns = shape.Kind == CacheKind.Radix;
        cache.BlockTokens = shape.BlockTokens > 0 ? shape.BlockTokens
            : shape.Kind == CacheKind.Paged ? DefaultBlockTokens : 1;
        _lists.Fit(replica);
    }

    /// <summary>The tokens of a prompt, as far as they were counted, and estimated beyond that; at least 1.</summary>
    public long TokensOf(in PromptPrefix prompt) => Read(in prompt).Total;

    /// <summary>For every replica, how many leading tokens of the prompt it is believed to hold, into
    /// <paramref name="matches"/> (one element per replica slot).</summary>
    public void Match(in PromptPrefix prompt, Span<PrefixMatch> matches)
    {
        Match(prompt.Blocks, _matched);
        _forecast.All(in prompt, Read(in prompt), _matched, matches, _keying.BlockLength);
    }

    /// <summary>A request with this prompt was sent to a replica: until it ends its blocks stay there. What is returned
    /// goes to <see cref="Released"/>, once.</summary>
    public PrefixClaim Dispatched(in PromptPrefix prompt, int replica, Instant now)
    {
        _lists.MoveTo(now);
        return _lru.Take(in prompt, Read(in prompt), replica);
    }

    /// <summary>A request that was dispatched has ended, with what the engine said about it. Goes with the same prompt.
    /// </summary>
    public void Released(
        in PromptPrefix prompt, int replica, in PrefixClaim claim, in CacheReport report, Instant now)
    {
        _lists.MoveTo(now);
        var lengths = Read(in prompt);
        if (report.Completed && report.PromptTokens > 0)
        {
            Learn(in prompt, replica, in claim, in report);
            lengths = Read(in prompt);
        }

        // Only what was answered is known to have been taken in.
        var tokens = report.Completed || report.OutputTokens > 0
            ? lengths.Total + Math.Max(0, report.OutputTokens - 1)
            : 0;
        _lru.GiveBack(in prompt, lengths, replica, in claim, tokens);
    }

    /// <summary>Another gateway is known to have sent a prompt with these blocks to a replica.</summary>
    public void Heard(ReadOnlySpan<ulong> blocks, int replica) =>
        Insert(blocks, replica);

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
        Check.That(tier <= CacheTier.Shared && replica < _matched.Length && blocks.Length >= 0);

    /// <summary>The engine says how many tokens it holds: what is remembered beyond that is forgotten.</summary>
    public void Resident(int replica, CacheTier tier, long tokens) =>
        Check.That(tier <= CacheTier.Shared && replica < _matched.Length && tokens >= 0);

    /// <summary>What a replica would have to give up to take in <paramref name="tokens"/> more.</summary>
    public CacheVictims Victims(int replica, long tokens, Instant now)
    {
        ref var device = ref _lists[replica].Device;
        var lost = tokens - (device.Capacity - device.Tokens);
        return lost <= 0 ? default
            : new CacheVictims(lost, now - _ages.StartOf(replica, _ages.EndOfOldest(replica, lost)), 0);
    }

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
        var prompt = new PromptPrefix { Blocks = chain, Length = (long)chain.Length * _keying.BlockLength };
        var lengths = Read(in prompt);
        var claim = _lru.Take(in prompt, lengths, replica);
        _lru.GiveBack(prompt with { Blocks = chain[..claim.Blocks] }, lengths, replica, in claim, lengths.Total);
    }

    /// <summary>Forgets all that is believed of one replica: it restarted, or it left.</summary>
    public void Clear(int replica) => _lru.Clear(replica);

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

    private PromptLengths Read(in PromptPrefix prompt)
    {
        _lengths.Read(in prompt, UnitsPerToken, _keying.BlockLength);
        return _lengths;
    }

    private void Learn(in PromptPrefix prompt, int replica, in PrefixClaim claim, in CacheReport report)
    {
        LearnRatio(in prompt, report.PromptTokens);
        if (!prompt.Marks.IsEmpty)
        {
            _known.LearnEnd(prompt.Marks[^1].Hash, report.PromptTokens, report.OutputTokens);
        }

        if (report.CachedTokens < 0)
        {
            return;
        }

        if (claim.Basis is ForecastBasis.Block or ForecastBasis.Part)
        {
            _known.LearnCommon(claim.BasisHash, claim.Predicted, report.CachedTokens);
        }
        else if (claim.Basis == ForecastBasis.End)
        {
            _forecast.LearnAnswer(claim.BasisHash, _lists[replica].BlockTokens, report.CachedTokens);
        }
    }

    /// <summary>From what came after the last place that was counted before.</summary>
    private void LearnRatio(in PromptPrefix prompt, long tokens)
    {
        var (end, counted) = _lengths.LastCounted;
        if (!_keying.AreTokens && tokens - counted >= LearnedFrom && prompt.Length > end)
        {
            var ratio = Math.Clamp((prompt.Length - end) / (double)(tokens - counted), 0.5, 16);
            UnitsPerToken += 0.05 * (ratio - UnitsPerToken);
        }
    }

    internal void Save(StateWriter to)
    {
        to.Write(UnitsPerToken);
        _holders.Save(to);
        _ages.Save(to);
        _lists.Save(to);
        _known.Save(to);
        _forecast.Save(to);
    }

    internal void Load(ref StateReader from)
    {
        UnitsPerToken = from.Read<double>();
        _holders.Load(ref from);
        _ages.Load(ref from);
        _lists.Load(ref from);
        _known.Load(ref from);
        _forecast.Load(ref from);
    }
}
