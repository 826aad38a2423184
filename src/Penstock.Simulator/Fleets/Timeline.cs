using Penstock.Core.Primitives;

namespace Penstock.Simulator.Fleets;

/// <summary>What is to happen when, in virtual time. What happens at the same time happens in the order in which it
/// was told.</summary>
internal sealed class Timeline
{
    private readonly PriorityQueue<Action, (long At, long Order)> _queue = new();
    private long _order;

    /// <summary>When the next thing happens; null where nothing does.</summary>
    public Instant? Next => _queue.TryPeek(out _, out var key) ? new Instant(key.At) : null;

    public void Add(Instant at, Action happens) => _queue.Enqueue(happens, (at.Nanoseconds, _order++));

    public Action Take() => _queue.Dequeue();
}
