using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Engines.Probing;
using Penstock.Gateway.Pools;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Pools;

public sealed class PoolSlotsTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly EngineClient _probes;
    private readonly List<Replica> _replicas = [];

    public PoolSlotsTests() => _probes = new EngineClient(_clock);

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        _probes.Dispose();
    }

    /// <summary>The one before it has the name too, for as long as requests are in flight there.</summary>
    [Fact]
    public void A_name_is_that_of_the_replica_that_the_configuration_gives_it_to()
    {
        var (before, stays, after) = (New("r0"), New("r1"), New("r0"));
        var slots = PoolSlots.Of([before, stays]);
        Assert.Equal((0, 1, -1), (slots.SlotOf("r0"), slots.SlotOf("r1"), slots.SlotOf("r2")));

        slots = slots.With([after, stays])!;
        Assert.Equal((2, 1), (slots.SlotOf("r0"), slots.SlotOf("r1")));
        Assert.Equal((0, 2), (slots.SlotOf(before), slots.SlotOf(after)));

        slots = slots.Without(before);
        Assert.Equal((2, -1), (slots.SlotOf("r0"), slots.SlotOf(before)));
        Assert.Equal([false, true, true, false], Enumerable.Range(0, slots.Count).Select(slots.IsTaken));
    }

    private Replica New(string name)
    {
        var snapshot = new ReplicaSnapshot(name, new Uri("http://127.0.0.1:1"));
        var pool = new PoolSnapshot { Name = "p", Model = "m", Replicas = [snapshot] };
        _replicas.Add(new Replica(snapshot, pool, _probes, 1, _clock, NullLogger.Instance));
        return _replicas[^1];
    }
}
