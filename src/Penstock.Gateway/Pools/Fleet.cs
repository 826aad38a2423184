using Penstock.Core.Config;

namespace Penstock.Gateway.Pools;

/// <summary>One snapshot and the pools that carry it out. Immutable: a reload makes another.</summary>
internal sealed class Fleet(FleetSnapshot snapshot, IReadOnlyDictionary<string, Pool> pools)
{
    public FleetSnapshot Snapshot { get; } = snapshot;

    public IEnumerable<Pool> Pools => pools.Values;

    /// <summary>The pool of that name; null where the snapshot has none.</summary>
    public Pool? Find(string name) => pools.GetValueOrDefault(name);
}
