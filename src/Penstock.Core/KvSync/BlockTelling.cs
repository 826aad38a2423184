namespace Penstock.Core.KvSync;

/// <summary>Tells what a rank holds, in no order. Blocks without a key are left out.</summary>
internal static class BlockTelling
{
    /// <param name="held">What the rank holds.</param>
    /// <param name="rank">The rank.</param>
    /// <param name="keys">Room for the keys that are told at once.</param>
    /// <param name="sink">Is told.</param>
    public static void Stored<TSink>(RankBlocks held, int rank, Span<ulong> keys, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        for (var tier = 0; tier < KvBlockMap.Tiers; tier++)
        {
            var (count, tokens) = (0, 0);
            foreach (ref readonly var entry in Slots(held, tier))
            {
                if (!entry.IsKeyed || !entry.IsIn(tier))
                {
                    continue;
                }

                if (count == keys.Length || (count > 0 && entry.Tokens != tokens))
                {
                    sink.Stored(rank, (KvTier)tier, keys[..count], tokens);
                    count = 0;
                }

                tokens = entry.Tokens;
                keys[count++] = entry.Key;
            }

            if (count > 0)
            {
                sink.Stored(rank, (KvTier)tier, keys[..count], tokens);
            }
        }
    }

    /// <summary>All of it, as if it were removed.</summary>
    public static void Removed<TSink>(RankBlocks held, int rank, Span<ulong> keys, ref TSink sink)
        where TSink : IKvKeySink, allows ref struct
    {
        for (var tier = 0; tier < KvBlockMap.Tiers; tier++)
        {
            var count = 0;
            foreach (ref readonly var entry in Slots(held, tier))
            {
                if (!entry.IsKeyed || !entry.IsIn(tier))
                {
                    continue;
                }

                keys[count++] = entry.Key;
                if (count == keys.Length)
                {
                    sink.Removed(rank, (KvTier)tier, keys);
                    count = 0;
                }
            }

            if (count > 0)
            {
                sink.Removed(rank, (KvTier)tier, keys[..count]);
            }
        }
    }

    /// <summary>Nothing need be looked at where the tier is empty. Slots that are free are not keyed.</summary>
    private static ReadOnlySpan<BlockEntry> Slots(RankBlocks held, int tier) =>
        held.Totals.BlocksIn((KvTier)tier) > 0 ? held.Table.Slots : default;
}
