using Penstock.Core.Primitives;
using Penstock.Core.Replicas;
using Penstock.Engines;
using Penstock.Engines.Watching;
using Penstock.Gateway.Tests.Cluster;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>A fault in who is told ends no watch: it is said, and what was not taken is told again.</summary>
public class FaultyListenerTests
{
    [Fact]
    public async Task A_listener_that_fails_is_told_again_and_the_watches_go_on()
    {
        await using var engine = Personality.Sglang.Start(new EngineFacts { Running = 2 });
        var clock = new ManualClock();
        using var client = Wires.Client(clock);
        var heard = new RecordingListener();
        await using var watch = new ReplicaWatch(
            new WatchedReplica("r1", new EngineEndpoint(engine.Url), "auto", HealthThresholds.Default),
            client, new FailsOnce(heard), clock);
        await using var load = new LoadWatch(watch, clock);
        watch.Start();
        load.Start();
        var told = Task.WhenAll(
            heard.NextIdentityAsync().AsTask(), heard.NextStatusAsync().AsTask(), heard.NextLoadAsync().AsTask());
        await Until.TrueAsync(() =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(50));
            return told.IsCompleted;
        });
        await told;
        Assert.Equal(
            ["health", "identity", "load"],
            new[] { await FaultAsync(), await FaultAsync(), await FaultAsync() }.Order(StringComparer.Ordinal));

        async Task<string> FaultAsync() => (await heard.NextFaultAsync()).Message;
    }

    [Fact]
    public async Task A_request_that_reports_what_it_saw_is_not_hurt_by_a_fault_in_who_is_told()
    {
        await using var engine = new ScriptedEngine();
        using var client = Wires.Client();
        var heard = new RecordingListener();
        await using var watch = new ReplicaWatch(
            new WatchedReplica("r1", new EngineEndpoint(engine.Url), "auto", HealthThresholds.Default),
            client, new FailsOnce(heard), new ManualClock());
        watch.Observe(HealthSignal.RequestFailed);
        Assert.Equal("health", (await heard.NextFaultAsync()).Message);
        watch.Observe(HealthSignal.RequestFailed);
        Assert.Equal(HealthStatus.Suspect, await heard.NextStatusAsync());
    }

    /// <summary>Fails the first time that it is told of each matter.</summary>
    private sealed class FailsOnce(IReplicaListener inner) : IReplicaListener
    {
        private readonly HashSet<string> _failed = [];

        public void HealthChanged(ReplicaHealth before, ReplicaHealth after, Instant at)
        {
            Fail("health");
            inner.HealthChanged(before, after, at);
        }

        public void Identified(EngineIdentity identity, Instant at)
        {
            Fail("identity");
            inner.Identified(identity, at);
        }

        public void LoadRead(LoadReport? report, Instant at)
        {
            Fail("load");
            inner.LoadRead(report, at);
        }

        public void Faulted(Exception bug, Instant at) => inner.Faulted(bug, at);

        private void Fail(string matter)
        {
            if (_failed.Add(matter))
            {
                throw new InvalidOperationException(matter);
            }
        }
    }
}
