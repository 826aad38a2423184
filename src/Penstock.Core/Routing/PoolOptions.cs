using Penstock.Core.Prefixes;

namespace Penstock.Core.Routing;

/// <summary>What a pool's state is made for.</summary>
/// <param name="Replicas">Replica slots.</param>
/// <param name="BlocksPerReplica">Prefix blocks remembered of each replica at most.</param>
/// <param name="Keying">What the blocks of prompts are made of.</param>
public readonly record struct PoolOptions(int Replicas, int BlocksPerReplica, PrefixKeying Keying)
{
    /// <summary>With prompts keyed by their bytes.</summary>
    public PoolOptions(int replicas, int blocksPerReplica)
        : this(replicas, blocksPerReplica, PrefixKeying.Bytes)
    {
    }
}
