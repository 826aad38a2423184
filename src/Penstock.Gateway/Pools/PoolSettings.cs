using Penstock.Core.Prefixes;
using Penstock.Core.Recording;
using Penstock.Core.Routing;
using Penstock.Gateway.CacheSync;

namespace Penstock.Gateway.Pools;

/// <summary>What a pool needs beside its snapshot.</summary>
internal sealed record PoolSettings(TimeProvider Time, ulong Seed, int PrefixBlocksMax, PoolOutlets Outlets)
{
    /// <summary>What prefixes are known by.</summary>
    public PrefixKeying Keying { get; init; } = PrefixKeying.Bytes;

    /// <summary>What the keys of token blocks begin with.</summary>
    public TokenScope Tokens { get; init; }

    public PoolOptions Options(int replicas) => new(replicas, PrefixBlocksMax, Keying);

    /// <summary>What the decision log of a pool begins with.</summary>
    public PoolLogHeader Header(string pool, string policy, IReadOnlyList<string> slots) => new()
    {
        Pool = pool,
        Policy = policy,
        Seed = Seed,
        Options = Options(slots.Count),
        Replicas = [.. slots],
        Program = ProgramName.Text,
        StartedTicks = 0,
        HasCheckpoint = false,
    };
}

/// <summary>What a decision log calls the program that wrote it.</summary>
internal static class ProgramName
{
    public static string Text { get; } =
        $"penstock {typeof(PoolState).Assembly.GetName().Version} {typeof(PoolState).Module.ModuleVersionId:N}";
}
