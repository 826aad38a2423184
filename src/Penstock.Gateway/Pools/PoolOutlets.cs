using Penstock.Gateway.Cluster.Outgoing;
using Penstock.Gateway.Recording;

namespace Penstock.Gateway.Pools;

/// <summary>Where pools say what happens in them, beside acting on it.</summary>
/// <param name="Recordings">The decision logs; null writes none.</param>
/// <param name="Peers">The other gateways; null where there are none.</param>
internal sealed record PoolOutlets(DecisionFiles? Recordings, PeerOutbox? Peers)
{
    public static PoolOutlets None { get; } = new(null, null);
}
