using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing.Policies;

/// <summary>
/// The trouble that the smallest tree made as the answer to a miss: a replica that restarts has the smallest tree, is
/// sent every miss, fails under them, and restarts (sglang pull requests 14305 and 14532).
/// </summary>
public class DeathSpiralTests
{
    private const int Replicas = 4;

    /// <summary>Requests in flight under which an engine of this scenario dies.</summary>
    private const int DeadlyLoad = 16;

    [Fact]
    public void The_smallest_tree_kills_the_replica_that_restarted_again_and_again()
    {
        var (deaths, most) = Run("sglang-cache-aware-old");
        Assert.True(deaths >= 10, $"died {deaths} times");
        Assert.Equal(DeadlyLoad, most);
    }

    [Fact]
    public void The_least_load_on_a_miss_does_not()
    {
        var (deaths, most) = Run("sglang-cache-aware");
        Assert.Equal(0, deaths);

        // 24 requests in flight on four replicas.
        Assert.InRange(most, 6, 7);
    }

    /// <summary>New prompts only, 24 in flight at a time, after one replica lost its cache.</summary>
    private static (int Deaths, int Most) Run(string policy)
    {
        var rig = new PoolRig(policy, Replicas, blocksPerReplica: 4_096);
        for (var i = 0; i < 400; i++)
        {
            rig.Hold(i % Replicas, PoolRig.Chain((ulong)i + 1, 8), 8);
        }

        rig.Tell(PoolEvent.CacheLost(default, 0));
        var inFlight = new List<(RouteTicket Ticket, int Replica)>();
        var (deaths, most) = (0, 0);
        for (var i = 0; i < 1_000; i++)
        {
            var chain = PoolRig.Chain((ulong)i + 1_000, 8);
            var decision = rig.Decide(512, chain);
            inFlight.Add((rig.Dispatch(in decision, 0, chain, 2_048), decision.Replica));
            most = Math.Max(most, rig[decision.Replica].InFlight);
            if (rig[decision.Replica].InFlight == DeadlyLoad)
            {
                deaths++;
                inFlight.Where(r => r.Replica == decision.Replica).ToList()
                    .ForEach(r => rig.End(r.Ticket, RouteEnd.Failed));
                inFlight.RemoveAll(r => r.Replica == decision.Replica);
                rig.Tell(PoolEvent.CacheLost(default, decision.Replica));
            }

            if (inFlight.Count == 24)
            {
                rig.End(inFlight[0].Ticket);
                inFlight.RemoveAt(0);
            }
        }

        return (deaths, most);
    }
}
