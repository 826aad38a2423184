using System.Globalization;
using Penstock.Core.Config;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Recording;
using Penstock.Core.Routing;
using Penstock.Gateway.CacheSync;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Pools;

/// <summary>What a pool needs beside its snapshot.</summary>
internal sealed record PoolSettings(TimeProvider Time, ulong Seed, int PrefixBlocksMax, PoolOutlets Outlets)
{
    /// <summary>What prefixes are known by.</summary>
    public PrefixKeying Keying { get; init; } = PrefixKeying.Bytes;

    /// <summary>What the keys of token blocks begin with.</summary>
    public TokenScope Tokens { get; init; }

    /// <summary>Who is believed to share cached prefixes, of <see cref="KnownNames.CacheScopes"/>.</summary>
    public string CacheScope { get; init; } = RoutingSnapshot.Default.CacheScope;

    /// <summary>The name under which gateways tell each other of a pool's prompts. It differs where they know prompts
    /// by different keys: what one told would fill the other's memory with blocks that none of its prompts has.
    /// </summary>
    public string KeyedName(string pool)
    {
        const int MarkChars = 17;
        var scope = Keying.AreTokens ? Tokens.Model : Hash64.Of(CacheScope);
        var keys = Hash64.Combine(scope, ((ulong)Keying.BlockLength << 1) | (Keying.AreTokens ? 1UL : 0));
        var mark = Hash64.Of(pool, keys);
        var shown = pool.AsSpan(0, Math.Min(pool.Length, PeerFormat.NameBytesMax - MarkChars));
        return string.Create(CultureInfo.InvariantCulture, $"{shown}@{mark:x16}");
    }

    public PoolOptions Options(int replicas) => new(replicas, PrefixBlocksMax, Keying);

    /// <summary>What the decision log of a pool begins with.</summary>
    public PoolLogHeader Header(string pool, string policy, IReadOnlyList<string> slots) => new()
    {
        Pool = pool,
        Policy = policy,
        Seed = Seed,
        Options = Options(slots.Count),
        Replicas = [.. slots],
        Program = BuildName.Text,
        StartedTicks = 0,
        StartedAt = default,
    };
}
