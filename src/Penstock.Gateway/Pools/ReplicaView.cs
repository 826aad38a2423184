using Penstock.Core.Prefixes;
using Penstock.Core.Routing;

namespace Penstock.Gateway.Pools;

/// <summary>A replica and what its pool knows of it.</summary>
/// <param name="Replica">The replica.</param>
/// <param name="Load">What is in flight there, and what was measured.</param>
/// <param name="Mirror">What it is believed to hold.</param>
internal readonly record struct ReplicaView(Replica Replica, ReplicaLoad Load, MirrorView Mirror)
{
    public static ReplicaView Of(Replica replica, int slot, PoolState state) =>
        new(replica, state.Replicas[slot], MirrorView.Of(state.Index, slot));
}

/// <summary>The mirror of a replica's cache, in numbers.</summary>
/// <param name="Blocks">Prefix blocks, ends of parts and answers that are remembered.</param>
/// <param name="BlocksMax">Of these at most; the oldest are forgotten.</param>
/// <param name="Tokens">Tokens in the accelerator's memory.</param>
/// <param name="CapacityTokens">Tokens that fit there, as told or as learned; 0 where nothing is known of it.</param>
/// <param name="Pins">Blocks times requests in flight that hold them.</param>
/// <param name="Overflows">Times that a block was not remembered, because requests in flight held everything, or a key
/// had its share.</param>
internal readonly record struct MirrorView(
    int Blocks, int BlocksMax, long Tokens, long CapacityTokens, long Pins, long Overflows)
{
    public static MirrorView Of(PrefixIndex index, int slot) => new(
        index.CountOf(slot), index.BlocksPerReplica, index.TokensAt(slot), index.CapacityOf(slot), index.PinsAt(slot),
        index.OverflowsAt(slot));
}
