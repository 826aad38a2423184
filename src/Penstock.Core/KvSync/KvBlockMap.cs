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

    /// <summary>So many blocks that are gone may be remembered in any case.</summary>
    private const int RememberedMin = 1_024;

    private readonly BlockTable _table;
    private readonly ulong _model;
    private readonly ulong[] _keys = new ulong[PartMax];
    private readonly TierTotals _totals = new();
    private readonly CountedGroups _groups = new();
    private readonly bool[] _doubted = new bool[RanksMax];
    private readonly RoutedChains _routed = new();

    /// <param name="blocksMax">Blocks held and remembered at most.</param>
    /// <param name="model">A number for the model, which its keys are seeded with.</param>
    /// <param name="secret">Random: keeps a hostile engine from choosing names that make the table slow.</param>
    /// <param name="blocksExpected">Blocks that there is room for from the start; growing costs milliseconds for each
    /// million blocks, once.</param>
    public KvBlockMap(int blocksMax, ulong model, ulong secret, int blocksExpected = 0)
    {
        _table = new BlockTable(blocksMax, secret, Math.Min(blocksExpected, blocksMax));
        _model = model;
    }

    /// <summary>Removals of blocks of which a gap left only the name are told as well. Right where nobody else behind
    /// the same sink may hold them.</summary>
    public bool TellsDoubted { get; set; } = true;

    /// <summary>Entries in the table, blocks remembered included.</summary>
    public int Entries => _table.Count;

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
    public long BlocksIn(KvTier tier) => _totals.BlocksIn(tier);

    /// <summary>Tokens held in a tier.</summary>
    public long TokensIn(KvTier tier) => _totals.TokensIn(tier);

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
        else
        {
            Remove(in e, rank, ref sink);
        }
    }

    /// <summary>Everything of a rank is gone, or no longer to be believed.</summary>
    public void Clear<TSink>(int rank, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        if (rank is < 0 or >= RanksMax)
        {
            return;
        }

        Drop(rank);
        _groups.Forget(rank);
        _doubted[rank] = false;
        _table.ClearRank((byte)rank);
        sink.Cleared(rank);
    }

    /// <summary>What a rank holds is not known any more. The names of its blocks are remembered as those of blocks
    /// that are gone; nobody is told.</summary>
    public void Doubt(int rank)
    {
        if (rank is >= 0 and < RanksMax)
        {
            Drop(rank);
            _doubted[rank] = true;
        }
    }

    /// <summary>Tells of all that a rank holds and has a key as if it were removed.</summary>
    public void TellRemoved<TSink>(int rank, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct => BlockTelling.Removed(_table, rank, ref sink);

    /// <summary>Tells somebody new all that is held and has a key, in no order.</summary>
    public void Tell<TSink>(ref TSink sink)
        where TSink : IKvKeySink, allows ref struct => BlockTelling.Stored(_table, ref sink);

    private static ulong NameOf(ulong hash, int rank) => hash ^ ((ulong)rank * 0x9E3779B97F4A7C15UL);

    private void Store<TSink>(in KvEvent e, int rank, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        var isChained = TryParent(in e, rank, out var parent);
        var tokens = Math.Clamp(e.BlockTokens, 0, ushort.MaxValue);
        for (var from = 0; from < e.Hashes.Length; from += PartMax)
        {
            var part = Math.Min(PartMax, e.Hashes.Length - from);
            var keys = 0;
            for (var i = from; i < from + part; i++)
            {
                var own = e.Tokens.IsEmpty ? default : e.Tokens.Slice(i * e.BlockTokens, e.BlockTokens);
                var extra = e.Extras.IsEmpty ? 0 : e.Extras[i];
                var slot = SlotFor(e.Hashes[i], rank, tokens);
                if (slot < 0)
                {
                    Full++;
                    isChained = isChained && !own.IsEmpty;
                    parent = isChained ? KvKeys.Of(parent, own, extra) : 0;
                    continue;
                }

                ref var entry = ref _table.Slots[slot];
                if (isChained && !own.IsEmpty)
                {
                    Conflicts += entry.TryKey(KvKeys.Of(parent, own, extra)) ? 0 : 1;
                }

                isChained = entry.IsKeyed;
                parent = entry.Key;
                Unkeyed += isChained ? 0 : 1;
                if (_totals.Add(ref entry, e.Tier))
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

    private void Remove<TSink>(in KvEvent e, int rank, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        var tier = (int)e.Tier;
        for (var from = 0; from < e.Hashes.Length; from += PartMax)
        {
            var keys = 0;
            foreach (var hash in e.Hashes.Slice(from, Math.Min(PartMax, e.Hashes.Length - from)))
            {
                var slot = _table.Find(NameOf(hash, rank));
                if (slot < 0 || !_table.Slots[slot].IsIn(tier))
                {
                    UnknownRemovals++;
                    if (slot >= 0 && _doubted[rank] && TellsDoubted && _table.Slots[slot].IsKeyed)
                    {
                        _keys[keys++] = _table.Slots[slot].Key;
                    }

                    continue;
                }

                ref var entry = ref _table.Slots[slot];
                if (_totals.Remove(ref entry, e.Tier))
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

    private bool TryParent(in KvEvent e, int rank, out ulong parent)
    {
        if (!e.HasParent)
        {
            parent = KvKeys.Scope(_model, e.Adapter, e.Salt);
            parent = e.Adapter.IsEmpty && e.AdapterId >= 0 ? Hash64.Combine(parent, (ulong)e.AdapterId + 1) : parent;
            return true;
        }

        var slot = _table.Find(NameOf(e.Parent, rank));
        if (slot >= 0 && _table.Slots[slot].IsKeyed)
        {
            parent = _table.Slots[slot].Key;
            return true;
        }

        parent = 0;
        return !e.Tokens.IsEmpty
            && _routed.TryFindParent(e.Tokens[..e.BlockTokens], e.Extras.IsEmpty ? 0 : e.Extras[0], out parent)
            && TryNameParent(in e, rank, parent);
    }

    /// <summary>The engine never named it, or nobody heard; it holds it, since it built on it just now.</summary>
    private bool TryNameParent(in KvEvent e, int rank, ulong key)
    {
        var slot = SlotFor(e.Parent, rank, e.BlockTokens);
        if (slot >= 0 && _table.Slots[slot].TryKey(key) && !_table.Slots[slot].IsIn((int)e.Tier))
        {
            _totals.Add(ref _table.Slots[slot], e.Tier);
        }

        return true;
    }

    private int SlotFor(ulong hash, int rank, int tokens)
    {
        var name = NameOf(hash, rank);
        var slot = _table.Find(name);
        if (slot >= 0)
        {
            return slot;
        }

        slot = _table.Add(name, reclaim: _table.Count - _totals.Resident > RememberedMin + (_totals.Resident / 2));
        if (slot >= 0)
        {
            _table.Slots[slot].Rank = (byte)rank;
            _table.Slots[slot].Tokens = (ushort)tokens;
        }

        return slot;
    }

    private void Drop(int rank)
    {
        foreach (ref var entry in _table.Slots)
        {
            if (entry.IsUsed && entry.Rank == rank)
            {
                _totals.Drop(ref entry);
            }
        }
    }
}
