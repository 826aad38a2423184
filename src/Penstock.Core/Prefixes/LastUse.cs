using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>How long ago what a replica holds was last used, in tokens and in time.</summary>
internal sealed class LastUse(BlockHolders blocks, CacheLists lists, AgeRing ages)
{
    /// <summary>Tokens used at the replica since a pair was, those that requests hold included; none where another
    /// request holds it.</summary>
    public long Distance(int replica, int at) =>
        at == BlockHolders.None || (blocks[at].IsPinned && blocks[at].Newer > 1)
            ? 0
            : Math.Max(0, lists[replica].Device.Tokens - ages.OlderThan(replica, blocks[at].Stamp));

    /// <summary>How many of a chain's first <paramref name="held"/> blocks were used within so many tokens, or are
    /// held by requests that came before.</summary>
    public int Within(int replica, ReadOnlySpan<ulong> chain, int held, long tokens)
    {
        var newest = ages.NewestWithin(replica, lists[replica].Device.Tokens, tokens);
        var low = 0;
        while (low < held)
        {
            var middle = (low + held) / 2;
            ref readonly var block = ref blocks[blocks.Find(chain[middle], replica)];
            if (block.Newer > 1 || ages.IsAmongNewest(replica, block.Stamp, newest))
            {
                low = middle + 1;
            }
            else
            {
                held = middle;
            }
        }

        return low;
    }

    /// <summary>What the replica would have to give up to take in so many tokens more.</summary>
    public CacheVictims Victims(int replica, long tokens, Instant now)
    {
        ref readonly var device = ref lists[replica].Device;
        var lost = Math.Min(device.Tokens + tokens - device.Capacity, device.Tokens);
        return lost <= 0
            ? default
            : new CacheVictims(lost, now - ages.StartOf(replica, ages.EndOfOldest(replica, lost)));
    }

    /// <summary>How many leading blocks of a chain are held by requests or may have been used since an instant.
    /// </summary>
    public int Since(int replica, ReadOnlySpan<ulong> chain, Instant since)
    {
        var used = 0;
        while (used < chain.Length && blocks.Find(chain[used], replica) is var at && at != BlockHolders.None
            && (blocks[at].IsPinned || ages.EndOf(replica, blocks[at].Stamp) is not { } end || end > since))
        {
            used++;
        }

        return used;
    }
}
