using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Engines.Probing;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Pools;

public class PeerNewsTests
{
    [Fact]
    public async Task A_fault_in_one_pool_keeps_the_news_from_no_other()
    {
        await using var engine = new ScriptedEngine();
        var document = RunningGateway.Document(engine);
        document = document with { Pools = [document.Pools[0], document.Pools[0] with { Name = "second" }] };
        var secrets = SecretReader.FromProcess(Path.GetTempPath()).Read(document);
        var snapshot = ConfigLoader.FromDocument(document, 1, secrets).Snapshot!;
        var clock = new ManualClock();
        using var probes = new EngineClient(clock);
        var replicas = snapshot.Pools
            .Select(p => new Replica(p.Replicas[0], p, probes, 1, clock, NullLogger.Instance)).ToArray();
        var policies = new[] { new Hearing { IsFaulty = true }, new Hearing() };
        var pools = snapshot.Pools.Select((p, i) => new Pool(
            p, policies[i], [replicas[i]], new PoolSettings(clock, 1, 1 << 16, PoolOutlets.None)));
        var fleet = new Fleet(snapshot, pools.ToDictionary(p => p.Snapshot.Name));
        var news = new PeerNews(() => fleet);

        Assert.Throws<AggregateException>(() => news.PeerGone(new PeerNode(3, "n"), Instant.FromSeconds(1)));
        Assert.All(policies, p => Assert.Equal([PoolEventKind.PeerGone], p.Heard));
        Assert.Throws<AggregateException>(() => news.PeerHeard(new PeerNode(3, "n"), Instant.FromSeconds(1)));
        Assert.All(policies, p => Assert.Equal([PoolEventKind.PeerGone, PoolEventKind.PeerHeard], p.Heard));
        foreach (var replica in replicas)
        {
            await replica.DisposeAsync();
        }
    }

    /// <summary>Hears what nodes do; the state has it by then.</summary>
    private sealed class Hearing : RoutePolicy
    {
        public override string Name => "hearing";

        public bool IsFaulty { get; init; }

        public List<PoolEventKind> Heard { get; } = [];

        public override void Score(
            in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
        {
        }

        public override void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
        {
            if (happened.Kind is PoolEventKind.PeerGone or PoolEventKind.PeerHeard)
            {
                Heard.Add(happened.Kind);
                if (IsFaulty)
                {
                    throw new InvalidOperationException("a fault");
                }
            }
        }
    }
}
