namespace Penstock.Core.KvSync;

/// <summary>What each rank of one engine holds and remembers, in tables that share their room.</summary>
internal sealed class RankShares(int blocksMax, ulong secret, int blocksExpected)
{
    /// <summary>Ranks looked at, at most, for one that remembers something near its hand.</summary>
    private const int TriesMax = 4;

    private readonly BlockRoom _room = new(blocksMax);
    private readonly RankBlocks?[] _ranks = new RankBlocks?[KvBlockMap.RanksMax];
    private int _expected = Math.Min(blocksExpected, blocksMax);
    private int _hand;

    /// <summary>Entries of all ranks, blocks remembered included.</summary>
    public int Entries => _room.Taken;

    /// <summary>Room that the tables of all ranks take, in entries.</summary>
    public int Slots => _ranks.Sum(static held => held?.Table.Slots.Length ?? 0);

    /// <summary>A rank's share; null: nothing was stored there yet.</summary>
    public RankBlocks? Find(int rank) => (uint)rank < (uint)_ranks.Length ? _ranks[rank] : null;

    /// <summary>A rank's share, made now if need be.</summary>
    public RankBlocks Of(int rank)
    {
        if (_ranks[rank] is not { } held)
        {
            held = _ranks[rank] = new RankBlocks(_room, secret, _expected);
            _expected = 0;
        }

        return held;
    }

    public long BlocksIn(KvTier tier)
    {
        var blocks = 0L;
        foreach (var held in _ranks)
        {
            blocks += held?.Totals.BlocksIn(tier) ?? 0;
        }

        return blocks;
    }

    public long TokensIn(KvTier tier)
    {
        var tokens = 0L;
        foreach (var held in _ranks)
        {
            tokens += held?.Totals.TokensIn(tier) ?? 0;
        }

        return tokens;
    }

    /// <summary>The slot of a block of a rank, made now if need be; −1: there is no room for it.</summary>
    public int SlotFor(ulong hash, RankBlocks held, int tokens)
    {
        var slot = held.Table.Find(hash);
        if (slot >= 0)
        {
            return slot;
        }

        slot = held.Table.Add(hash, held.RemembersTooMuch);
        if (slot < 0 && TryReclaimElsewhere())
        {
            slot = held.Table.Add(hash, reclaim: false);
        }

        if (slot >= 0)
        {
            held.Table.Slots[slot].Tokens = (ushort)tokens;
        }

        return slot;
    }

    /// <summary>What one rank remembers must not keep out what another one stores.</summary>
    private bool TryReclaimElsewhere()
    {
        var tries = 0;
        for (var i = 0; i < _ranks.Length && tries < TriesMax; i++)
        {
            if (_ranks[_hand] is { RemembersAny: true } other)
            {
                tries++;
                if (other.Table.TryReclaim())
                {
                    return true;
                }
            }

            _hand = (_hand + 1) % _ranks.Length;
        }

        return false;
    }
}
