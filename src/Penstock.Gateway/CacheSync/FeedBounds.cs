using Penstock.Core.Prefixes;

namespace Penstock.Gateway.CacheSync;

/// <summary>How much is kept of one engine, whatever it says.</summary>
internal static class FeedBounds
{
    /// <summary>Blocks of one engine at most: 64 MiB, three times that where most of them were removed since. What is
    /// stored beyond is not taken, and leaves a gap.</summary>
    public const int Most = 1 << 21;

    private const int Least = 16_384;
    private const int Unknown = 262_144;

    /// <summary>Blocks that are gone are remembered for a while, and other tiers hold more than the device.</summary>
    private const int Generosity = 4;

    /// <summary>Blocks kept of an engine that says its cache is like this.</summary>
    public static int BlocksMax(in CacheShape shape)
    {
        var blocks = shape.BlockTokens > 0
            ? (shape.CapacityTokens + shape.HostTokens + shape.DiskTokens) / shape.BlockTokens
            : 0;
        return blocks == 0 ? Unknown : (int)Math.Clamp(blocks, Least, Most / Generosity) * Generosity;
    }

    /// <summary>Room for so many blocks will do for an engine that is now given <paramref name="wanted"/>: there is
    /// room for all that it holds, and to begin anew would cost a gap.</summary>
    public static bool IsEnough(int have, int wanted) => wanted <= have * (Generosity / 2);
}
