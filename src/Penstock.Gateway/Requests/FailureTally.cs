using Penstock.Core.Outcomes;

namespace Penstock.Gateway.Requests;

/// <summary>The replicas that a request has tried in vain, and the last reason.</summary>
internal sealed class FailureTally
{
    private readonly List<(Pools.Pool Pool, int Slot)> _tried = [];
    private readonly int[] _slots = new int[16];

    /// <summary>Why the last try failed; null before the first failure.</summary>
    public Failure? Last { get; private set; }

    public void Add(Pools.Pool pool, int slot, Failure failure)
    {
        _tried.Add((pool, slot));
        Last = failure;
    }

    /// <summary>Slots of one pool that were tried.</summary>
    public ReadOnlySpan<int> In(Pools.Pool pool)
    {
        var count = 0;
        foreach (var (tried, slot) in _tried)
        {
            if (tried == pool && count < _slots.Length)
            {
                _slots[count++] = slot;
            }
        }

        return _slots.AsSpan(0, count);
    }

    public void Clear()
    {
        _tried.Clear();
        Last = null;
    }
}
