using Penstock.Core.Config;

namespace Penstock.Gateway.Pools;

/// <summary>One snapshot and the pools that carry it out. Immutable: a reload makes another.</summary>
internal sealed class Fleet
{
    private readonly IReadOnlyDictionary<string, Pool> _pools;
    private readonly Dictionary<string, Pool> _keyed;

    public Fleet(FleetSnapshot snapshot, IReadOnlyDictionary<string, Pool> pools)
    {
        Snapshot = snapshot;
        _pools = pools;
        _keyed = pools.Values.ToDictionary(p => p.Settings.KeyedName(p.Snapshot.Name), StringComparer.Ordinal);
    }

    public FleetSnapshot Snapshot { get; }

    public IEnumerable<Pool> Pools => _pools.Values;

    /// <summary>The pool of that name; null where the snapshot has none.</summary>
    public Pool? Find(string name) => _pools.GetValueOrDefault(name);

    /// <summary>The pool that has this <see cref="PoolSettings.KeyedName"/>; null where none has it.</summary>
    public Pool? FindKeyed(string name) => _keyed.GetValueOrDefault(name);
}
