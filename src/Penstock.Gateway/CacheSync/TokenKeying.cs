using Penstock.Core.Config;
using Penstock.Core.Prefixes;
using Penstock.Engines;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.CacheSync;

/// <summary>What the prefixes of a pool are known by, out of what is configured and what its replicas say.</summary>
/// <param name="Keying">To make the pool's state for.</param>
/// <param name="IsGuess">No replica has said yet how many tokens a block of it has.</param>
internal readonly record struct TokenKeying(PrefixKeying Keying, bool IsGuess)
{
    /// <summary>As vLLM has it unless told otherwise.</summary>
    private const int BlockDefault = 16;

    /// <summary>Engines that keep whole conversations have no blocks; shorter ones would make long chains.</summary>
    private const int BlockOfSlots = 64;

    public static TokenKeying Of(PoolSnapshot pool, IEnumerable<Replica> replicas)
    {
        if (!pool.KeysAreTokens)
        {
            return new(PrefixKeying.Bytes, IsGuess: false);
        }

        var told = replicas.FirstOrDefault(r => r.Identity is not null)?.Identity;
        var shape = pool.Cache.Over(told?.Cache ?? default);
        var block = told is not null ? BlockOf(told, in shape) : pool.Cache.BlockTokens ?? BlockDefault;
        return new(new PrefixKeying(block, AreTokens: true), told is null && pool.Cache.BlockTokens is null);
    }

    /// <summary>Tokens of a block in an engine's events.</summary>
    /// <param name="engine">What it was found to be.</param>
    /// <param name="shape">Its cache, with what is configured.</param>
    public static int BlockOf(EngineIdentity engine, in CacheShape shape) =>
        shape.Kind == CacheKind.Slots ? BlockOfSlots
        : shape.BlockTokens != engine.Cache.BlockTokens ? shape.BlockTokens
        : engine.KvEvents?.BlockTokens is > 0 and <= ushort.MaxValue and { } block ? (int)block
        : shape.BlockTokens > 0 ? shape.BlockTokens
        : BlockDefault;
}
