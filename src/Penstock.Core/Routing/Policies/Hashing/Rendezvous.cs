using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Hashing;

/// <summary>
/// The order in which a key prefers replicas: by a hash of both (Thaler and Ravishankar, "Using name-based mappings to
/// increase hit rates", 1998).
/// </summary>
/// <remarks>
/// Stands wherever a published rule walks a hash ring. As there, a key moves only when its own replica leaves; unlike
/// there, shares are even without hundreds of points a replica, every key has a walk of its own, and a decision is one
/// pass over the replicas. Replicas are told apart by their names, so that it is the same at every node and after a
/// restart with other replicas; by their slots where no names were told.
/// </remarks>
internal static class Rendezvous
{
    /// <summary>Where a replica stands in the key's order, 0 to 1; the least is its first choice.</summary>
    public static double Place(ulong key, int replica, PoolState pool)
    {
        var name = pool.Replicas[replica].Name;
        return Place(key, name != 0 ? name : (ulong)replica + 1);
    }

    /// <summary>The same by the hash of a name.</summary>
    public static double Place(ulong key, ulong name) =>
        (Hash64.Combine(Hash64.Combine(key, name), key) >> 11) * (1.0 / (1UL << 53));
}
