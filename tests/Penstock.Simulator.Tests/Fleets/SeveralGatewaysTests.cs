using Penstock.Core.Routing;
using Penstock.Simulator.Fleets;
using Penstock.Simulator.Replicas;
using Penstock.Simulator.Workloads;

namespace Penstock.Simulator.Tests.Fleets;

/// <summary>Gateways that know each other late, partly or not at all decide worse, and that is all.</summary>
public sealed class SeveralGatewaysTests
{
    public static TheoryData<string, PeerOptions> Troubles => new()
    {
        { "silence", new PeerOptions { Talk = false } },
        { "late by 50 ms", new PeerOptions { Delay = 0.05 } },
        { "late by 1 s", new PeerOptions { Delay = 1 } },
        { "late by 5 s", new PeerOptions { Delay = 5 } },
        { "parted", new PeerOptions { PartitionFrom = 30, PartitionTo = 60 } },
        { "parted to the end", new PeerOptions { PartitionFrom = 30 } },
        { "a dead one", new PeerOptions { DiesAt = 40 } },
        { "a dead one of two halves", new PeerOptions { PartitionFrom = 20, PartitionTo = 60, DiesAt = 40 } },
    };

    [Theory]
    [MemberData(nameof(Troubles))]
    public void Whatever_happens_between_gateways_every_request_ends_and_nothing_is_left(
        string trouble, PeerOptions peers)
    {
        foreach (var gateways in (int[])[2, 5])
        {
            var outcome = Run(peers, gateways);
            AssertNothingIsLeft(outcome, hasDead: !double.IsInfinity(peers.DiesAt));
            var lost = outcome.Requests.Count(r => !r.IsCompleted);
            Assert.True(double.IsInfinity(peers.DiesAt) ? lost == 0 : lost > 0, trouble);
            Assert.All(outcome.Requests, r => Assert.True(r.IsCompleted || r.SentAt <= peers.DiesAt));
            Assert.All(outcome.Requests, r => Assert.True(!r.IsCompleted || r.FirstToken > 0));
        }
    }

    [Fact]
    public void Gateways_that_do_not_hear_each_other_only_decide_worse()
    {
        var together = Run(new PeerOptions());
        var silent = Run(new PeerOptions { Talk = false });
        var parted = Run(new PeerOptions { PartitionFrom = 30, PartitionTo = 60 });
        Assert.Equal(0, together.Errors + silent.Errors + parted.Errors);
        Assert.True(silent.HitRate < together.HitRate);
        Assert.InRange(parted.HitRate, silent.HitRate, together.HitRate);
    }

    [Fact]
    public void A_gateway_that_dies_takes_its_own_requests_along_and_no_others()
    {
        var outcome = Run(new PeerOptions { DiesAt = 40 }, gateways: 3);
        Assert.InRange(outcome.Requests.Count(r => !r.IsCompleted), 1, outcome.Requests.Count / 10);
    }

    [Fact]
    public void A_gateway_may_die_before_it_hears_of_an_answer_that_is_complete()
    {
        var outcome = Run(new PeerOptions { DiesAt = 40.5 }, gateways: 3, hearEvery: 1);
        AssertNothingIsLeft(outcome, hasDead: true);
        Assert.InRange(outcome.Requests.Count(r => !r.IsCompleted), 1, outcome.Requests.Count / 10);
    }

    [Fact]
    public void Gateways_that_hear_each_other_predict_what_they_find_nearly_as_well_as_one()
    {
        var (one, four) = (Run(new PeerOptions(), gateways: 1), Run(new PeerOptions()));
        Assert.True(one.WithinABlock > 0.9, $"{one.WithinABlock}");
        Assert.True(four.WithinABlock > one.WithinABlock - 0.1, $"{four.WithinABlock}, {one.WithinABlock}");
        Assert.InRange(four.PredictedPerCached, 0.95, 1.05);
    }

    [Fact]
    public void A_view_of_a_peer_that_is_silent_is_kept_for_three_seconds_and_then_let_go()
    {
        // It dies with requests in flight; those of the others go on for long after.
        var outcome = Run(new PeerOptions { DiesAt = 89 }, gateways: 2);
        Assert.True(outcome.EndedAt.Seconds > 92);
        AssertNothingIsLeft(outcome, hasDead: true);
    }

    /// <summary>No engine works, no gateway has anything in flight, and none that lives believes so of another.
    /// </summary>
    internal static void AssertNothingIsLeft(FleetOutcome outcome, bool hasDead = false)
    {
        Assert.All(outcome.Engines, e => Assert.Equal((0, 0), (e.Running, e.Waiting)));
        foreach (var pool in outcome.Pools)
        {
            Assert.Equal(0, pool.InFlight);
            var candidates = new Candidate[pool.Replicas.Length];
            var rng = default(Core.Primitives.Rng);
            var request = new RouteRequest { At = outcome.EndedAt };
            Assert.True(pool.Decide(in request, RoutePolicies.Create("round-robin")!, candidates, ref rng).Found);
            for (var i = 0; i < candidates.Length; i++)
            {
                ref readonly var load = ref pool.Replicas[i];
                Assert.Equal(
                    (0, 0, 0L, 0L), (load.InFlight, load.Prefilling, load.PrefillTokens, load.DecodeTokens));
                if (!hasDead || pool != outcome.Pools[^1])
                {
                    Assert.Equal((0, 0L), (candidates[i].InFlight, candidates[i].DecodeTokens));
                }

                Assert.Equal(0, pool.Index.PinsAt(i));
            }
        }
    }

    private static FleetOutcome Run(PeerOptions peers, int gateways = 4, double hearEvery = 0)
    {
        var options = new FleetOptions
        {
            Replicas = [.. Enumerable.Repeat(
                FleetOptions.WithCache(ProfileCatalog.Find("h100-qwen3-32b")!, 60_000), 3)],
            Policy = _ => RoutePolicies.Create("penstock")!,
            Seconds = 90,
            WarmupSeconds = 10,
            Seed = 5,
            Gateways = gateways,
            Peers = peers,
            HearEvery = hearEvery,
        };
        var chats = new ChatOptions { Concurrent = 30, TurnTokens = 800, ThinkSeconds = 5 };
        return Fleet.Run(options, new ChatWorkload(chats, seed: 1));
    }
}
