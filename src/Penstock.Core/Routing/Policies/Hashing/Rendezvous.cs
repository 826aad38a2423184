using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Hashing;

/// <summary>
/// The order in which a key prefers replicas: by a hash of both (Thaler and Ravishankar, "Using name-based mappings to
/// increase hit rates", 1998).
/// </summary>
/// <remarks>
/// Stands wherever a published rule walks a hash ring. As there, a key moves only when its own replica leaves; unlike
/// there, shares are even without hundreds of points a replica, every key has a walk of its own, and a decision is one
/// pass over the replicas. Replicas are told apart by their slots.
/// </remarks>
internal static class Rendezvous
{
    /// <summary>Where a replica stands in the key's order, 0 to 1; the least is its first choice.</summary>
    public static double Place(ulong key, int replica) =>
        (Hash64.Combine(Hash64.Combine(key, (ulong)replica + 1), key) >> 11) * (1.0 / (1UL << 53));
}
