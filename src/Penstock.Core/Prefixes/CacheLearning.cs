using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// The capacity and the block size of each replica's cache, from what its engine found of what the mirror predicted:
/// where they were not told, and where what was told proves wrong.
/// </summary>
/// <remarks>
/// With D the tokens used at a replica since a block was: a block that is found shows a capacity of D at least, one
/// that is lost a smaller one. Where a capacity was told, only what says so several times in a row moves it.
/// </remarks>
internal sealed class CacheLearning(CacheLists lists)
{
    /// <summary>Tokens by which a prediction may miss without that being evidence of anything.</summary>
    private const int Tolerance = 128;

    /// <summary>Contradictions in a row that move a capacity which was told.</summary>
    private const int Enough = 3;

    /// <summary>Different counts of cached tokens from which on their common divisor is a block.</summary>
    private const int CountsMin = 12;

    private const int BlockTokensMax = 512;

    /// <summary>Distances below this share of the capacity are no reason to lose a block.</summary>
    private const double SafeShare = 0.5;

    /// <summary>Tokens that may be used at a replica before what was used last then may be lost, by all that is known.
    /// </summary>
    public long SafeDistance(int replica)
    {
        ref readonly var cache = ref lists[replica];
        return (long)((cache.HasCapacity ? cache.Capacity : cache.Learned.Reach) * SafeShare);
    }

    /// <summary>The shape is told anew: what was learned of it before is forgotten.</summary>
    public void Restart(int replica, long capacity, int blockTokens) =>
        lists[replica].Learned = new LearnedShape { Told = capacity, ToldBlock = blockTokens };

    /// <summary>The engine lost all: it may be another one, with other blocks. The block that was learned holds until
    /// something contradicts it.</summary>
    public void Forget(int replica)
    {
        ref var learned = ref lists[replica].Learned;
        learned.Divisor = learned.LastReported = learned.Counts = 0;
    }

    /// <summary>One comparison of a prediction with what the engine reported.</summary>
    public void Compare(int replica, in PrefixClaim claim, long reported)
    {
        LearnBlock(ref lists[replica], reported);
        if (claim.Predicted > 0)
        {
            LearnCapacity(replica, ref lists[replica], in claim, reported);
        }
    }

    private void LearnCapacity(int replica, ref ReplicaCache cache, in PrefixClaim claim, long reported)
    {
        ref var learned = ref cache.Learned;
        var tolerance = Math.Max(Tolerance, claim.Predicted / 20);
        var isFull = cache.HasCapacity && cache.Device.Tokens >= 0.9 * cache.Capacity;
        if (reported < claim.Predicted - tolerance)
        {
            // A loss that no eviction explains is a matter of trust.
            if (claim.Distance > learned.Reach && claim.Distance >= SafeDistance(replica)
                && cache.LowerCapacity == 0)
            {
                Lower(replica, ref cache, claim.Distance);
            }
        }
        else if (reported > claim.Predicted + tolerance && isFull)
        {
            Raise(ref cache);
        }
        else
        {
            learned.Reach = Math.Max(claim.Distance, (long)(learned.Reach * 0.999));
            learned.TooLarge = learned.TooSmall = 0;
        }
    }

    private void Lower(int replica, ref ReplicaCache cache, long distance)
    {
        ref var learned = ref cache.Learned;
        learned.TooSmall = 0;
        if (!cache.HasCapacity)
        {
            // Before anything was found, a loss shortly after a use may be of any cause.
            var tells = learned.Reach > 0 || distance >= cache.Device.Tokens * SafeShare;
            cache.Device.Capacity = tells ? Math.Max(distance, 1) : cache.Device.Capacity;
        }
        else if (++learned.TooLarge >= (learned.Told > 0 ? Enough : 1))
        {
            learned.TooLarge = 0;
            var lower = cache.Capacity - ((cache.Capacity - Math.Min(cache.Capacity, distance)) / 4);
            cache.Device.Capacity = Math.Max(lower, learned.Told / 4);
        }

        lists.Fit(replica);
    }

    private static void Raise(ref ReplicaCache cache)
    {
        ref var learned = ref cache.Learned;
        learned.TooLarge = 0;
        if (++learned.TooSmall >= (learned.Told > 0 ? Enough : 1))
        {
            learned.TooSmall = 0;
            var higher = cache.Capacity + (cache.Capacity / 50) + 1;
            cache.Device.Capacity = learned.Told > 0 ? Math.Min(higher, learned.Told * 2) : higher;
        }
    }

    private static void LearnBlock(ref ReplicaCache cache, long reported)
    {
        ref var learned = ref cache.Learned;
        if (reported <= 0 || reported == learned.LastReported)
        {
            return;
        }

        learned.LastReported = reported;
        learned.Divisor = Divisor(reported, learned.Divisor);
        if (learned.ToldBlock > 0)
        {
            if (learned.Divisor < learned.ToldBlock && ++learned.Counts >= Enough)
            {
                // It found what is no whole number of blocks, so they are smaller than was told.
                cache.BlockTokens = (int)learned.Divisor;
            }
        }
        else if (++learned.Counts >= CountsMin && learned.Divisor <= BlockTokensMax)
        {
            cache.BlockTokens = (int)learned.Divisor;
        }
        else
        {
            // What is no whole number of blocks shows at once that they are smaller.
            cache.BlockTokens = (int)Divisor(reported, cache.BlockTokens);
        }
    }

    private static long Divisor(long a, long b)
    {
        while (b != 0)
        {
            (a, b) = (b, a % b);
        }

        return a;
    }
}

/// <summary>What was learned of the shape of one replica's cache.</summary>
internal struct LearnedShape
{
    /// <summary>The capacity and the block that were told; 0 where nobody did.</summary>
    public long Told;
    public int ToldBlock;

    /// <summary>The largest distance at which something was still found, of late.</summary>
    public long Reach;

    /// <summary>Contradictions in a row.</summary>
    public int TooLarge;
    public int TooSmall;

    /// <summary>The common divisor of all counts of cached tokens, and how many different ones there were.</summary>
    public long Divisor;
    public long LastReported;
    public int Counts;
}
