using Penstock.Core.Routing;

namespace Penstock.Gateway.Pools;

/// <summary>A replica and what its pool knows of it.</summary>
/// <param name="Replica">The replica.</param>
/// <param name="Load">What is in flight there, and what was measured.</param>
/// <param name="Blocks">Prefix blocks that it is believed to hold.</param>
/// <param name="Pins">Blocks times requests in flight that hold them.</param>
internal readonly record struct ReplicaView(Replica Replica, ReplicaLoad Load, int Blocks, long Pins);
