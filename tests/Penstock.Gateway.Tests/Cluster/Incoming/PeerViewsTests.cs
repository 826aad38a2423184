using Penstock.Core.Primitives;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Cluster.Incoming;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Tests.Cluster.Incoming;

public class PeerViewsTests
{
    /// <summary>On a timer, where a fault would end the process.</summary>
    [Fact]
    public async Task A_fault_in_who_is_told_of_one_node_is_said_and_hides_no_other()
    {
        var clock = new ManualClock();
        clock.Advance(TimeSpan.FromSeconds(1));
        var (sink, log) = (new FaultySink(), new FaultLog());
        await using var views = new PeerViews(sink, new ClusterCounters(), clock, log);
        foreach (var node in new[] { FaultySink.Bad, "good" })
        {
            var (stream, isLet) = views.Let(node, epoch: 1, static () => { });
            Assert.True(isLet);
            ((IPeerFrames)stream!).Heartbeat(1);
        }

        Assert.All(views.All, v => Assert.True(v.Here));
        sink.IsFaulty = true;
        clock.Advance(PeerTimes.SilentAfter + TimeSpan.FromSeconds(1));
        Assert.Equal([FaultySink.Bad, "good"], sink.Gone);
        Assert.All(views.All, v => Assert.False(v.Here));
        Assert.Contains(FaultySink.Bad, Assert.Single(log.All), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Loads_are_told_again_of_those_that_are_heard_whatever_fails()
    {
        var clock = new ManualClock();
        var (sink, log) = (new FaultySink(), new FaultLog());
        await using var views = new PeerViews(sink, new ClusterCounters(), clock, log);
        foreach (var node in new[] { FaultySink.Bad, "good", "gone" })
        {
            IPeerFrames stream = views.Let(node, epoch: 1, static () => { }).Stream!;
            stream.Load(new PeerReplica(0, "p", "r0"), 3, 4, 5);
            if (node != "gone")
            {
                stream.Heartbeat(1);
            }
        }

        Assert.Equal(2, sink.Loads);
        sink.IsFaulty = true;
        views.Retell();
        Assert.Equal(3, sink.Loads);
        Assert.Single(log.All);
    }

    /// <summary>The watch looks at all that there were when it began, while another look may be over by then.</summary>
    [Fact]
    public async Task A_seat_that_another_node_took_meanwhile_stays_with_it()
    {
        var clock = new ManualClock();
        var sink = new FaultySink();
        await using var views = new PeerViews(sink, new ClusterCounters(), clock, new FaultLog());
        clock.Advance(TimeSpan.FromSeconds(0.1));
        var talks = views.Let("talks", epoch: 1, static () => { }).Stream!;
        var left = views.Let("left", epoch: 1, static () => { }).Stream!;
        left.Release();
        clock.Advance(TimeSpan.FromSeconds(57));
        ((IPeerFrames)talks).Heartbeat(1);
        sink.WhenGone = () =>
        {
            sink.WhenGone = null;
            clock.Advance(TimeSpan.FromSeconds(0.25));
            Assert.Equal(["talks"], views.All.Select(v => v.Node.Name));
            views.Let("new", epoch: 1, static () => { });
        };

        // At one and the same look one of them is silent and the other to be forgotten.
        clock.Advance(TimeSpan.FromSeconds(3.2));
        Assert.Null(sink.WhenGone);
        Assert.Equal(["talks", "new"], views.All.Select(v => v.Node.Name));
    }

    /// <summary>Fails at whatever one node says.</summary>
    private sealed class FaultySink : IPeerSink
    {
        public const string Bad = "bad";

        public bool IsFaulty { get; set; }

        public Action? WhenGone { get; set; }

        public List<string> Gone { get; } = [];

        public int Loads { get; private set; }

        public void PeerLoad(
            PeerNode node, string pool, string replica, int inFlight, long prefillTokens, long decodeTokens,
            Instant at)
        {
            FailAt(node);
            Loads++;
        }

        public void PeerPrefix(
            PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, Instant at)
        {
        }

        public void PeerAnswered(
            PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer, Instant at)
        {
        }

        public void PeerCacheLost(PeerNode node, string pool, string replica, Instant at)
        {
        }

        public void PeerHeard(PeerNode node, Instant at)
        {
        }

        public void PeerGone(PeerNode node, Instant at)
        {
            Gone.Add(node.Name);
            WhenGone?.Invoke();
            FailAt(node);
        }

        private void FailAt(PeerNode node)
        {
            if (IsFaulty && node.Name == Bad)
            {
                throw new InvalidOperationException("a fault");
            }
        }
    }
}
