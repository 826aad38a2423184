using Penstock.Core.Primitives;

namespace Penstock.Core.KvSync;

/// <summary>
/// What one engine holds according to its own events: blocks and tokens in each tier, and the router's keys of the
/// blocks. An engine's hash is looked up, never understood: keys are made again from the token ids and the key of the
/// block before. Blocks stored twice count twice, as engines hold them twice; stores and removals that make no sense
/// are harmless and counted. Of several cache groups the first one of full attention counts: what a sliding window
/// still holds says nothing about a prefix.
/// <para>A block that is gone is remembered for a while, for engines name its tokens only when it is first stored: a
/// copy in another tier, or a block after it, may come later. Bounded; nothing is allocated per event once the table
/// has its size. Owned by one thread at a time.</para>
/// </summary>
public sealed class KvBlockMap
{
    /// <summary>Tiers that are told apart.</summary>
    public const int Tiers = 4;

    /// <summary>Data-parallel ranks of one engine at most.</summary>
    public const int RanksMax = 256;

    /// <summary>Bytes that one block takes, in a table as full as it gets.</summary>
    public const int BytesPerBlock = 32;

    /// <summary>Keys told at once at most.</summary>
    internal const int PartMax = 256;

    private readonly RankShares _ranks;
    private readonly ulong _model;
    private readonly ulong[] _keys = new ulong[PartMax];
    private readonly CountedGroups _groups = new();
    private readonly RoutedChains _routed = new();

    /// <param name="blocksMax">Blocks held and remembered at most.</param>
    /// <param name="model">A number for the model, which its keys begin with.</param>
    /// <param name="secret">Random: keeps a hostile engine from choosing names that make the table slow.</param>
    /// <param name="blocksExpected">Blocks of the first rank heard of that there is room for from the start; growing
    /// costs milliseconds for each million blocks, once.</param>
    public KvBlockMap(int blocksMax, ulong model, ulong secret, int blocksExpected = 0)
    {
        _ranks = new RankShares(blocksMax, secret, blocksExpected);
        _model = model;
    }

    /// <summary>Removals of blocks of which a gap left only the name are told as well. Right where nobody else behind
    /// the same sink may hold them.</summary>
    public bool TellsDoubted { get; set; } = true;

    /// <summary>Tokens of a block of the prompts that <see cref="Routed"/> tells of; 0: it tells of none. Blocks of
    /// another size are in none of them, and are not looked for.</summary>
    public int RoutedBlockTokens { get; set; }

    /// <summary>Entries in the tables, blocks remembered included.</summary>
    public int Entries => _ranks.Entries;

    /// <summary>Room that the tables take, in entries.</summary>
    public int Slots => _ranks.Slots;

    /// <summary>Blocks that were not taken because the table was full.</summary>
    public long Full { get; private set; }

    /// <summary>Blocks whose key cannot be known: nothing is known of the block before, or no tokens were told.
    /// </summary>
    public long Unkeyed { get; private set; }

    /// <summary>Blocks of groups that say nothing about a prefix.</summary>
    public long OtherGroups { get; private set; }

    /// <summary>Removals of blocks that were not held.</summary>
    public long UnknownRemovals { get; private set; }

    /// <summary>Names that were used for different tokens.</summary>
    public long Conflicts { get; private set; }

    /// <summary>Blocks held in a tier; the same content held twice is one.</summary>
    public long BlocksIn(KvTier tier) => _ranks.BlocksIn(tier);

    /// <summary>Tokens held in a tier.</summary>
    public long TokensIn(KvTier tier) => _ranks.TokensIn(tier);

    /// <summary>A prompt whose blocks have these keys was sent to the engine, which helps to find names again that were
    /// missed.</summary>
    public void Routed(ReadOnlySpan<ulong> chain) => _routed.Add(chain);

    /// <summary>Takes one event of one rank.</summary>
    public void Apply<TSink>(in KvEvent e, int rank, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        if (rank is < 0 or >= RanksMax)
        {
            Full += e.Hashes.Length;
            return;
        }

        if (e.Kind == KvEventKind.Cleared)
        {
            Clear(rank, ref sink);
        }
        else if (!_groups.Count(in e, rank))
        {
            OtherGroups += e.Hashes.Length;
        }
        else if (e.Kind == KvEventKind.Stored)
        {
            Store(in e, rank, ref sink);
        }
        else if (_ranks.Find(rank) is { } held)
        {
            Remove(in e, rank, held, ref sink);
        }
        else
        {
            UnknownRemovals += e.Hashes.Length;
        }
    }

    /// <summary>Everything of a rank is gone, or no longer to be believed. Costs by what the rank held.</summary>
    public void Clear<TSink>(int rank, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        if (rank is < 0 or >= RanksMax)
        {
            return;
        }

        _groups.Forget(rank);
        _ranks.Find(rank)?.Clear();
        sink.Cleared(rank);
    }

    /// <summary>What a rank holds is not known any more. The names of its blocks are remembered as those of blocks
    /// that are gone; nobody is told.</summary>
    /// <returns>False: it held nothing.</returns>
    public bool Doubt(int rank)
    {
        if (rank is < 0 or >= RanksMax)
        {
            return false;
        }

        var held = _ranks.Of(rank);
        held.IsDoubted = true;
        return held.Drop();
    }

    /// <summary>Tells of all that a rank holds and has a key as if it were removed.</summary>
    public void TellRemoved<TSink>(int rank, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        if (_ranks.Find(rank) is { } held)
        {
            BlockTelling.Removed(held, rank, _keys, ref sink);
        }
    }

    /// <summary>Tells somebody new all that is held and has a key, in no order.</summary>
    public void Tell<TSink>(ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        for (var rank = 0; rank < RanksMax; rank++)
        {
            if (_ranks.Find(rank) is { } held)
            {
                BlockTelling.Stored(held, rank, _keys, ref sink);
            }
        }
    }

    private void Store<TSink>(in KvEvent e, int rank, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        var held = _ranks.Of(rank);
        var isChained = TryParent(in e, held, out var parent);
        var tokens = Math.Clamp(e.BlockTokens, 0, ushort.MaxValue);
        for (var from = 0; from < e.Hashes.Length; from += PartMax)
        {
            var part = Math.Min(PartMax, e.Hashes.Length - from);
            var keys = 0;
            for (var i = from; i < from + part; i++)
            {
                var own = e.Tokens.IsEmpty ? default : e.Tokens.Slice(i * e.BlockTokens, e.BlockTokens);
                var extra = e.Extras.IsEmpty ? 0 : e.Extras[i];
                var slot = _ranks.SlotFor(e.Hashes[i], held, tokens);
                if (slot < 0)
                {
                    Full++;
                    isChained = isChained && !own.IsEmpty;
                    parent = isChained ? KvKeys.Of(parent, own, extra) : 0;
                    continue;
                }

                ref var entry = ref held.Table.Slots[slot];
                tokens = tokens == 0 ? entry.Tokens : tokens;
                if (isChained && !own.IsEmpty)
                {
                    Conflicts += entry.TryKey(KvKeys.Of(parent, own, extra)) ? 0 : 1;
                }

                isChained = entry.IsKeyed;
                parent = entry.Key;
                Unkeyed += isChained ? 0 : 1;
                if (held.Totals.Add(ref entry, e.Tier))
                {
                    _keys[keys] = entry.Key;
                    keys += isChained ? 1 : 0;
                }
            }

            if (keys > 0)
            {
                sink.Stored(rank, e.Tier, _keys.AsSpan(0, keys), tokens);
            }
        }
    }

    private void Remove<TSink>(in KvEvent e, int rank, RankBlocks held, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        var tier = (int)e.Tier;
        for (var from = 0; from < e.Hashes.Length; from += PartMax)
        {
            var keys = 0;
            foreach (var hash in e.Hashes.Slice(from, Math.Min(PartMax, e.Hashes.Length - from)))
            {
                var slot = held.Table.Find(hash);
                if (slot < 0 || !held.Table.Slots[slot].IsIn(tier))
                {
                    UnknownRemovals++;
                    if (slot >= 0 && held.IsDoubted && TellsDoubted && held.Table.Slots[slot].IsKeyed)
                    {
                        _keys[keys++] = held.Table.Slots[slot].Key;
                    }

                    continue;
                }

                ref var entry = ref held.Table.Slots[slot];
                if (held.Totals.Remove(ref entry, e.Tier))
                {
                    _keys[keys] = entry.Key;
                    keys += entry.IsKeyed ? 1 : 0;
                }
            }

            if (keys > 0)
            {
                sink.Removed(rank, e.Tier, _keys.AsSpan(0, keys));
            }
        }
    }

    private bool TryParent(in KvEvent e, RankBlocks held, out ulong parent)
    {
        if (!e.HasParent)
        {
            parent = KvKeys.Scope(_model, e.Adapter, e.Salt);
            parent = e.Adapter.IsEmpty && e.AdapterId >= 0 ? Hash64.Combine(parent, (ulong)e.AdapterId + 1) : parent;
            return true;
        }

        var slot = held.Table.Find(e.Parent);
        if (slot >= 0 && held.Table.Slots[slot].IsKeyed)
        {
            parent = held.Table.Slots[slot].Key;
            return true;
        }

        parent = 0;
        return !e.Tokens.IsEmpty
            && e.BlockTokens == RoutedBlockTokens
            && _routed.TryFindParent(e.Tokens[..e.BlockTokens], e.Extras.IsEmpty ? 0 : e.Extras[0], out parent)
            && TryNameParent(in e, held, parent);
    }

    /// <summary>The engine never named it, or nobody heard; it holds it, since it built on it just now.</summary>
    private bool TryNameParent(in KvEvent e, RankBlocks held, ulong key)
    {
        var slot = _ranks.SlotFor(e.Parent, held, e.BlockTokens);
        if (slot >= 0 && held.Table.Slots[slot].TryKey(key) && !held.Table.Slots[slot].IsIn((int)e.Tier))
        {
            held.Totals.Add(ref held.Table.Slots[slot], e.Tier);
        }

        return true;
    }
}
