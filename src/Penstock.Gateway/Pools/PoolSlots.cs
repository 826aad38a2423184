using System.Text;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Gateway.CacheSync;

namespace Penstock.Gateway.Pools;

/// <summary>
/// Which replica has which slot of a pool's state: those that the configuration names, and those that it does not name
/// any more and that still have requests. Immutable: a reload makes another, in which each replica that stays keeps its
/// slot, and with it all that is known of it.
/// </summary>
internal sealed class PoolSlots
{
    /// <summary>Slots beyond the replicas of a new pool, for those that a reload adds.</summary>
    private const int SpareMin = 2;
    private const int SpareMax = 64;

    private readonly Replica?[] _bySlot;
    private readonly Dictionary<Replica, int> _slots = [];
    private readonly Dictionary<string, int> _byName;
    private readonly string[] _names;

    private PoolSlots(Replica?[] bySlot, IReadOnlyList<Replica> replicas)
    {
        _bySlot = bySlot;
        _names = [.. bySlot.Select(r => r?.Name ?? "")];
        for (var slot = 0; slot < bySlot.Length; slot++)
        {
            if (bySlot[slot] is { } replica)
            {
                _slots.Add(replica, slot);
            }
        }

        _byName = replicas.ToDictionary(static r => r.Name, SlotOf, StringComparer.Ordinal);
        Replicas = replicas;
    }

    /// <summary>Those that the configuration names, in its order.</summary>
    public IReadOnlyList<Replica> Replicas { get; }

    /// <summary>By slot; empty where there is no replica.</summary>
    public string[] Names => _names;

    public int Count => _bySlot.Length;

    /// <summary>The slots of a new pool, with some to spare.</summary>
    public static PoolSlots Of(IReadOnlyList<Replica> replicas)
    {
        var bySlot = new Replica?[replicas.Count + Math.Clamp(replicas.Count / 4, SpareMin, SpareMax)];
        for (var slot = 0; slot < replicas.Count; slot++)
        {
            bySlot[slot] = replicas[slot];
        }

        return new PoolSlots(bySlot, replicas);
    }

    /// <summary>The same slots with these replicas; null where there are not enough. Those that are not among them keep
    /// theirs until they are <see cref="Without"/>.</summary>
    public PoolSlots? With(IReadOnlyList<Replica> replicas)
    {
        var bySlot = (Replica?[])_bySlot.Clone();
        foreach (var replica in replicas.Where(r => SlotOf(r) < 0))
        {
            var free = Array.IndexOf(bySlot, null);
            if (free < 0)
            {
                return null;
            }

            bySlot[free] = replica;
        }

        return new PoolSlots(bySlot, replicas);
    }

    /// <summary>The slot of a replica is nobody's.</summary>
    public PoolSlots Without(Replica replica) =>
        new([.. _bySlot.Select(r => r == replica ? null : r)], [.. Replicas.Where(r => r != replica)]);

    /// <summary>The replica that has a slot, which a request that is in flight there keeps as it is.</summary>
    public Replica this[int slot] => _bySlot[slot]!;

    public bool IsTaken(int slot) => _bySlot[slot] is not null;

    /// <summary>Tells a pool which replica has which slot, and a new one which slots nobody has: one that is not new
    /// knows, and to be told again is dear.</summary>
    public void Tell(PoolRouter router, Instant now, bool isNew)
    {
        for (var slot = 0; slot < _bySlot.Length; slot++)
        {
            if (IsTaken(slot))
            {
                router.Tell(PoolEvent.Named(now, slot, Hash64.Of(Encoding.UTF8.GetBytes(_names[slot]))));
            }
            else if (isNew)
            {
                router.Tell(PoolEvent.Vacated(now, slot));
            }
        }
    }

    /// <summary>What the events of candidates' engines are worth now, one after the other.</summary>
    public FeedAge[] FeedsOf(ReadOnlySpan<Candidate> candidates)
    {
        var feeds = new FeedAge[candidates.Length];
        for (var i = 0; i < feeds.Length; i++)
        {
            feeds[i] = _bySlot[candidates[i].Replica]?.Cache.Age() ?? default;
        }

        return feeds;
    }

    /// <summary>−1 where it has none.</summary>
    public int SlotOf(Replica replica) => _slots.GetValueOrDefault(replica, -1);

    /// <summary>The slot of the replica that the configuration calls so; −1 where there is none.</summary>
    public int SlotOf(string name) => _byName.GetValueOrDefault(name, -1);
}
