namespace Penstock.Core.KvSync;

/// <summary>How much all entries of a table hold, tier by tier, kept as they change.</summary>
internal sealed class TierTotals
{
    private readonly long[] _blocks = new long[KvBlockMap.Tiers];
    private readonly long[] _tokens = new long[KvBlockMap.Tiers];

    /// <summary>Entries that some tier holds.</summary>
    public int Resident { get; private set; }

    public long BlocksIn(KvTier tier) => _blocks[(int)tier];

    public long TokensIn(KvTier tier) => _tokens[(int)tier];

    /// <summary>The tier holds the block once more.</summary>
    /// <returns>True: it did not before.</returns>
    public bool Add(ref BlockEntry entry, KvTier tier)
    {
        Resident += entry.IsResident ? 0 : 1;
        var isNew = entry.Add((int)tier);
        Count((int)tier, isNew ? 1 : 0, entry.Tokens);
        return isNew;
    }

    /// <summary>The tier holds it once less.</summary>
    /// <returns>True: no longer at all.</returns>
    public bool Remove(ref BlockEntry entry, KvTier tier)
    {
        if (!entry.Remove((int)tier))
        {
            return false;
        }

        Count((int)tier, -1, entry.Tokens);
        Resident -= entry.IsResident ? 0 : 1;
        return true;
    }

    /// <summary>No tier holds anything.</summary>
    public void Clear()
    {
        Array.Clear(_blocks);
        Array.Clear(_tokens);
        Resident = 0;
    }

    private void Count(int tier, int blocks, int tokens)
    {
        _blocks[tier] += blocks;
        _tokens[tier] += blocks * tokens;
    }
}
