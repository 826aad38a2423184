using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Core.Routing;
using Penstock.Engines.Probing;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Pools;

public class RetirementTests
{
    [Fact]
    public async Task One_that_cannot_be_ended_in_order_keeps_no_other_from_it()
    {
        var clock = new ManualClock();
        var log = new FaultLog();
        var faults = new FaultBoundary(log);
        using var probes = new EngineClient(clock);
        var snapshot = new PoolSnapshot
        {
            Name = "p", Model = "m", Replicas = [new ReplicaSnapshot("r0", new Uri("http://127.0.0.1:1"))],
        };
        await using var busyReplica = NewReplica();
        var idleReplica = NewReplica();
        var (busy, idle) = (NewPool(busyReplica), NewPool(idleReplica));
        busy.Tell(PoolEvent.Eligibility(busy.Now, 0, Ineligible.No));
        busy.Route(new RouteRequest { At = busy.Now }, out var ticket, out _);
        Assert.Equal(1, busy.InFlight);

        var retirement = new Retirement(new TimeWithoutTimers(), faults);
        retirement.Add(busy);
        retirement.Add(busyReplica, busy);
        retirement.Add(idle);
        retirement.Add(idleReplica, idle);
        await retirement.DisposeAsync();
        Assert.Equal(2, faults.Count);
        Assert.All(log.All, f => Assert.Contains("no timers", f, StringComparison.Ordinal));
        Assert.True(busy.Slots.IsTaken(0));
        Assert.False(idle.Slots.IsTaken(0));
        busy.End(ticket, RouteEnd.Failed, default, default);

        Replica NewReplica() => new(snapshot.Replicas[0], snapshot, probes, 1, clock, NullLogger.Instance);

        Pool NewPool(Replica replica) => new(
            snapshot, RoutePolicies.Create("round-robin")!, [replica],
            new PoolSettings(clock, 1, 1 << 16, PoolOutlets.None));
    }

    [Fact]
    public async Task A_fault_that_nobody_stands_behind_is_counted_and_said_ever_more_rarely()
    {
        var log = new FaultLog();
        var faults = new FaultBoundary(log);
        for (var i = 0; i < 10; i++)
        {
            faults.Stop(() => throw new InvalidOperationException("a fault"));
        }

        await faults.StopAsync(() => Task.FromException(new InvalidOperationException("another")));
        Assert.Equal(11, faults.Count);
        Assert.Equal(4, log.All.Count);
        var isDone = false;
        faults.Stop(() => isDone = true);
        Assert.True(isDone);
    }

    private sealed class TimeWithoutTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            throw new InvalidOperationException("no timers");
    }
}
