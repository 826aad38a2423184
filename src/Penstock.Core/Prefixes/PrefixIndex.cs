using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// A mirror of the prefix cache of every replica of a pool: what each is believed to hold, learned from what was routed
/// there and from what its engine said of it. Bounded tables of what is held under which hash, and for every replica
/// the order in which its kind of engine loses it.
/// </summary>
/// <remarks>
/// All memory is allocated by the constructor: <see cref="BytesPerEntry"/> bytes an entry at most,
/// <see cref="BytesPerReplica"/> a replica and <see cref="BytesPerPool"/>; only replicas with sequences of their own
/// (<see cref="CacheKind.Slots"/>), and a store that all share, take more when they are made known. What is used last
/// is lost last and ends are lost before starts, so that what a replica holds of a chain is always a prefix of it:
/// <see cref="Match(ReadOnlySpan{ulong}, Span{int})"/> rests on that. Not thread-safe: the owner of the pool state
/// calls it.
/// </remarks>
public sealed class PrefixIndex
{
    /// <summary>Bytes of memory an entry, which is a block, the end of a part, or an answer, at most.</summary>
    public const int BytesPerEntry = 32;

    /// <summary>Bytes of memory a replica at most, beside its entries.</summary>
    public const int BytesPerReplica = AgeRing.BytesPerReplica + EntryShares.BytesPerReplica + 640;

    /// <summary>Bytes of memory of an index, beside its replicas and entries.</summary>
    public const int BytesPerPool = KnownLengths.Bytes + KeyRatios.Bytes + LruMirror.Bytes + 8_192;

    private readonly BlockHolders _holders;
    private readonly PrefixSearch _search;
    private readonly AgeRing _ages;
    private readonly CacheLists _lists;
    private readonly LastUse _uses;
    private readonly LengthLearning _lengths;
    private readonly CacheForecast _forecast;
    private readonly CacheLearning _learning;
    private readonly CacheNotices _notices;
    private readonly LruMirror _lru;
    private readonly SlotMirror _slots;
    private readonly NoMirror _none;
    private readonly CacheMirror[] _mirrors;
    private readonly PrefixKeying _keying;
    private readonly int[] _matched;

    /// <param name="replicasMax">Replica slots of the pool.</param>
    /// <param name="blocksPerReplica">Entries remembered of each replica at most.</param>
    /// <param name="keying">What the blocks of prompts are made of.</param>
    public PrefixIndex(int replicasMax, int blocksPerReplica, PrefixKeying keying)
    {
        Check.That(replicasMax > 0 && blocksPerReplica > 0);
        _keying = keying;
        _holders = new BlockHolders(replicasMax, blocksPerReplica);
        _search = new PrefixSearch(_holders, replicasMax);
        _ages = new AgeRing(replicasMax);
        _lists = new CacheLists(_holders, _ages, keying, replicasMax);
        _lengths = new LengthLearning(keying);
        _forecast = new CacheForecast(_holders, _lists, _lengths.Known, replicasMax);
        _learning = new CacheLearning(_lists);
        _notices = new CacheNotices(_holders, _lists, keying, replicasMax);
        _uses = new LastUse(_holders, _lists, _ages);
        _lru = new LruMirror(_holders, _lists, _uses, _forecast, _learning, keying.BlockLength);
        _slots = new SlotMirror(_holders, _lists, _forecast, keying.BlockLength, replicasMax);
        _none = new NoMirror(_lists);
        _mirrors = new CacheMirror[replicasMax];
        _matched = new int[replicasMax];
        for (var replica = 0; replica < replicasMax; replica++)
        {
            Shape(replica, default);
        }
    }

    /// <summary>Entries remembered of each replica at most.</summary>
    public int BlocksPerReplica => _holders.BlocksPerReplica;

    /// <summary>What the blocks of prompts are made of.</summary>
    public PrefixKeying Keying => _keying;

    /// <summary>Bytes of canonical prompt per token, learned from what engines report, for keys of which nothing is
    /// known; 1 where prompts are keyed by tokens.</summary>
    public double UnitsPerToken => _lengths.UnitsPerToken;

    /// <summary>Entries remembered of one replica now.</summary>
    public int CountOf(int replica) => _holders.CountOf(replica);

    /// <summary>Tokens that one replica is believed to hold in a tier of its own.</summary>
    public long TokensAt(int replica, CacheTier tier = CacheTier.Device) =>
        _lists[replica][tier].Tokens + (tier == CacheTier.Host ? _slots.SavedAt(replica) : 0);

    /// <summary>Tokens that one replica's cache holds, as told or as learned; 0 where nothing is known of it.</summary>
    public long CapacityOf(int replica) => _lists[replica].HasCapacity ? _lists[replica].Capacity : 0;

    /// <summary>Entries times requests in flight that hold them, of one replica.</summary>
    public long PinsAt(int replica) => _lists[replica].Pins;

    /// <summary>Times that a replica's mirror had no room: requests in flight held too much of it, a key had its share
    /// of it, or the engine has more in the host's memory than is remembered.</summary>
    public long OverflowsAt(int replica) => _lists[replica].Overflows;

    /// <summary>The cache of a replica is now known to have this shape.</summary>
    public void Shape(int replica, in CacheShape shape)
    {
        ref var cache = ref _lists[replica];
        CacheMirror mirror = shape.Kind == CacheKind.Slots ? _slots : shape.Kind == CacheKind.Off ? _none : _lru;
        if (_mirrors[replica] is { } before && before != mirror)
        {
            Clear(replica);
        }

        _mirrors[replica] = mirror;
        cache.Shape(in shape);
        _slots.Shape(replica, in shape);
        _learning.Restart(replica, shape.CapacityTokens, shape.BlockTokens);
        _lists.FitAll(replica);
    }

    /// <summary>The tokens of a prompt of a key (0: of nobody's), as far as they were counted, and estimated beyond
    /// that; at least 1.</summary>
    public long TokensOf(in PromptPrefix prompt, ulong key = 0) => _lengths.Read(in prompt, key).Total;

    /// <summary>For every replica, how many leading tokens of the prompt it is believed to hold, into
    /// <paramref name="matches"/> (one element per replica slot). Returns the tokens of the whole prompt, as
    /// <see cref="TokensOf"/> does.</summary>
    public long Match(in PromptPrefix prompt, Span<PrefixMatch> matches, ulong key = 0)
    {
        _search.Match(prompt.Blocks, _matched);
        var lengths = _lengths.Read(in prompt, key);
        _forecast.All(in prompt, lengths, _matched, matches, _keying.BlockLength);
        _slots.Refine(in prompt, lengths, matches);
        _notices.AddShared(in prompt, lengths, matches, _matched);
        return lengths.Total;
    }

    /// <summary>A request of a key (0: of nobody's) with this prompt was sent to a replica: until it ends its blocks
    /// stay there. What is returned goes to <see cref="Released"/>, once.</summary>
    public PrefixClaim Dispatched(in PromptPrefix prompt, int replica, Instant now, ulong key = 0)
    {
        _lists.MoveTo(now);
        return _mirrors[replica].Take(in prompt, _lengths.Read(in prompt, key), replica, key);
    }

    /// <summary>Since when a replica's cache is in doubt; zero where it is not.</summary>
    public Instant DoubtedSince(int replica) => _lists[replica].DoubtedSince;

    /// <summary>A replica's cache is in doubt since a request was sent that did not find what it should have: what is
    /// used from then on says nothing of what was there before. With null it is not, any more.</summary>
    public void Doubt(int replica, Instant? since)
    {
        ref var cache = ref _lists[replica];
        cache.DoubtedSince = since is null || cache.DoubtedSince == default ? since ?? default : cache.DoubtedSince;
    }

    /// <summary>Whether nothing was forgotten of the whole replica since a claim was made.</summary>
    public bool IsCurrent(int replica, in PrefixClaim claim) => claim.Generation == _lists[replica].Generation;

    /// <summary>A request that was dispatched has ended, with what the engine said about it. Goes with the same prompt
    /// and key.</summary>
    public void Released(
        in PromptPrefix prompt, int replica, in PrefixClaim claim, in CacheReport report, Instant now, ulong key = 0)
    {
        _lists.MoveTo(now);
        var lengths = _lengths.Read(in prompt, key);
        if (report.Completed && report.PromptTokens > 0)
        {
            _lengths.Learn(in prompt, key, report.PromptTokens, report.OutputTokens);
            Learn(replica, in claim, in report);
            lengths = _lengths.Read(in prompt, key);
        }

        // What was answered was taken in; its last token was never computed.
        var tokens = report.Completed || report.OutputTokens > 0
            ? lengths.Total + Math.Max(0, report.OutputTokens - 1)
            : 0;
        var counted = report.PromptTokens > 0 ? report.PromptTokens : report.Completed ? lengths.Total : 0;
        counted += counted > 0 ? Math.Max(0, report.OutputTokens) : 0;
        _mirrors[replica].GiveBack(in prompt, lengths, replica, in claim, tokens, counted);
    }

    /// <summary>Another gateway, which counts as a key, is known to have sent a prompt with these blocks to a replica.
    /// </summary>
    public void Heard(ReadOnlySpan<ulong> blocks, int replica, Instant now, ulong teller = 0)
    {
        _lists.MoveOn(now);
        Insert(blocks, replica, teller);
    }

    /// <summary>A prompt that another gateway sent to a replica was answered there.</summary>
    public void HeardAnswer(
        in PromptPrefix prompt, int replica, in CacheReport report, Instant now, ulong teller = 0)
    {
        _lists.MoveOn(now);
        _lengths.Read(in prompt, teller);
        _lengths.Learn(in prompt, teller, report.PromptTokens, report.OutputTokens);
        var account = TakeAndGiveBack(in prompt, replica, Math.Max(0, report.OutputTokens - 1), teller);

        // What it added was charged when it was heard of, and how much of it was new is not known.
        var worth = _lists.Shares.Worth(report.PromptTokens + report.OutputTokens, _lists[replica].AllCapacity);
        _lists.Shares.Pay(replica, account, Math.Min(worth, prompt.Blocks.Length));
    }

    /// <summary>The engine says that it stored these blocks. Only where prompts are keyed by tokens.</summary>
    public void Stored(int replica, CacheTier tier, ReadOnlySpan<ulong> blocks) =>
        _notices.Stored(replica, tier, blocks, (long)(_keying.BlockLength / UnitsPerToken));

    /// <summary>The engine says that it dropped these blocks. Only where prompts are keyed by tokens.</summary>
    public void Removed(int replica, CacheTier tier, ReadOnlySpan<ulong> blocks) =>
        _notices.Removed(replica, tier, blocks);

    /// <summary>The engine says how many tokens it holds: what is remembered beyond that is forgotten.</summary>
    public void Resident(int replica, CacheTier tier, long tokens) => _notices.Resident(replica, tier, tokens);

    /// <summary>Some replica told of a store that all share.</summary>
    public bool HasSharedStore => _notices.HasShared;

    /// <summary>Of a prompt of which a replica was to hold so many tokens itself, and the store that all share as many
    /// more as was counted on, so many were found.</summary>
    public void LearnShared(long own, long shared, long found) => _notices.LearnShared(own, shared, found);

    /// <summary>Whether what a replica says of a store that all share is left out.</summary>
    public void Distrust(int replica, bool distrusted) => _lists[replica].IsDistrusted = distrusted;

    /// <summary>What a replica would have to give up to take in <paramref name="tokens"/> more.</summary>
    public CacheVictims Victims(int replica, long tokens, Instant now) => _uses.Victims(replica, tokens, now);

    /// <summary>For every replica slot, how many leading blocks of a chain it is believed to hold.</summary>
    public void Match(ReadOnlySpan<ulong> chain, Span<int> matched) => _search.Match(chain, matched);

    /// <summary>Notes that <paramref name="replica"/> now holds <paramref name="chain"/> (its first blocks, where it is
    /// longer than the cap).</summary>
    public void Insert(ReadOnlySpan<ulong> chain, int replica, ulong key = 0)
    {
        chain = chain[..Math.Min(chain.Length, PrefixChainBuilder.BlocksMax)];
        var prompt = new PromptPrefix { Blocks = chain, Length = (long)chain.Length * _keying.BlockLength };
        if (_mirrors[replica] == _lru)
        {
            _lru.Touch(in prompt, _lengths.Read(in prompt, key), replica, key);
            return;
        }

        TakeAndGiveBack(in prompt, replica, 0, key);
    }

    /// <summary>Forgets all that is believed of one replica, or by its word: it restarted, or it left.</summary>
    public void Clear(int replica)
    {
        _mirrors[replica].Clear(replica);
        _learning.Forget(replica);
        _notices.Forget(replica);
    }

    internal void Save(StateWriter to)
    {
        _notices.Save(to);
        _holders.Save(to);
        _ages.Save(to);
        _lists.Save(to);
        _lengths.Save(to);
        _forecast.Save(to);
        for (var replica = 0; replica < _mirrors.Length; replica++)
        {
            _slots.Save(to, replica);
        }
    }

    internal void Load(ref StateReader from)
    {
        _notices.Load(ref from);
        _holders.Load(ref from);
        _ages.Load(ref from);
        _lists.Load(ref from);
        _lengths.Load(ref from);
        _forecast.Load(ref from);
        for (var replica = 0; replica < _mirrors.Length; replica++)
        {
            _mirrors[replica] = _slots.TryLoad(ref from, replica) ? _slots : _lists[replica].IsOff ? _none : _lru;
        }
    }

    private byte TakeAndGiveBack(in PromptPrefix prompt, int replica, long output, ulong key)
    {
        var lengths = _lengths.Read(in prompt, key);
        var claim = _mirrors[replica].Take(in prompt, lengths, replica, key);
        var tokens = lengths.Total + output;
        _mirrors[replica].GiveBack(in prompt, lengths, replica, in claim, tokens, tokens);
        return claim.Account;
    }

    private void Learn(int replica, in PrefixClaim claim, in CacheReport report)
    {
        if (report.CachedTokens < 0 || !IsCurrent(replica, in claim))
        {
            return;
        }

        _learning.Compare(replica, in claim, report.CachedTokens);
        _slots.Learn(replica, in claim, report.CachedTokens);
        _forecast.Learn(replica, in claim, report.CachedTokens);
    }
}
