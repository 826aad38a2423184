namespace Penstock.Core.KvSync;

/// <summary>Tells what a table holds, block by block, in no order. Blocks without a key are left out.</summary>
internal static class BlockTelling
{
    public static void Stored<TSink>(BlockTable table, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        foreach (ref readonly var entry in table.Slots)
        {
            for (var tier = 0; entry.IsUsed && entry.IsKeyed && tier < KvBlockMap.Tiers; tier++)
            {
                if (entry.IsIn(tier))
                {
                    sink.Stored(entry.Rank, (KvTier)tier, new ReadOnlySpan<ulong>(in entry.Key), entry.Tokens);
                }
            }
        }
    }

    /// <summary>All of one rank, as if it were removed.</summary>
    public static void Removed<TSink>(BlockTable table, int rank, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        foreach (ref readonly var entry in table.Slots)
        {
            for (var tier = 0; entry.IsUsed && entry.Rank == rank && entry.IsKeyed && tier < KvBlockMap.Tiers; tier++)
            {
                if (entry.IsIn(tier))
                {
                    sink.Removed(rank, (KvTier)tier, new ReadOnlySpan<ulong>(in entry.Key));
                }
            }
        }
    }
}
