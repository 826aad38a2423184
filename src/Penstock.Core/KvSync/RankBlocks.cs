namespace Penstock.Core.KvSync;

/// <summary>What one rank holds, and remembers: a table of its own, so that what becomes of one rank never costs by the
/// size of another.</summary>
internal sealed class RankBlocks(BlockRoom room, ulong secret, int blocksExpected)
{
    /// <summary>So many blocks that are gone may be remembered in any case.</summary>
    private const int RememberedMin = 1_024;

    public BlockTable Table { get; } = new(room, secret, blocksExpected);

    public TierTotals Totals { get; } = new();

    /// <summary>Something was missed since it was last known to be empty.</summary>
    public bool IsDoubted { get; set; }

    /// <summary>Of blocks that are gone more are remembered than is of use.</summary>
    public bool RemembersTooMuch => Table.Count - Totals.Resident > RememberedMin + (Totals.Resident / 2);

    /// <summary>Some block that is gone is remembered.</summary>
    public bool RemembersAny => Table.Count > Totals.Resident;

    /// <summary>It holds nothing, and nothing is remembered.</summary>
    public void Clear()
    {
        Table.Clear();
        Totals.Clear();
        IsDoubted = false;
    }

    /// <summary>What it held is remembered as gone.</summary>
    /// <returns>False: it held nothing.</returns>
    public bool Drop()
    {
        if (Totals.Resident == 0)
        {
            return false;
        }

        foreach (ref var entry in Table.Slots)
        {
            entry.Drop();
        }

        Totals.Clear();
        return true;
    }
}
