using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Simulator.Fleets;
using Penstock.Simulator.Replicas;
using Penstock.Simulator.Workloads;

namespace Penstock.Simulator.Tests.Fleets;

public sealed class FleetTests
{
    [Theory]
    [InlineData("penstock", 1)]
    [InlineData("penstock", 3)]
    [InlineData("lmetric", 1)]
    public void The_same_seed_gives_the_same_outcome_to_the_bit(string policy, int gateways)
    {
        var first = Run(Options(policy) with { Gateways = gateways });
        var second = Run(Options(policy) with { Gateways = gateways });
        Assert.Equal(first.Requests, second.Requests);
        Assert.NotEqual(first.Requests, Run(Options(policy) with { Gateways = gateways }, seed: 2).Requests);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Every_request_ends_once_and_the_counters_return_to_zero(int gateways)
    {
        var outcome = Run(Options("penstock") with { Gateways = gateways });
        SeveralGatewaysTests.AssertNothingIsLeft(outcome);
        Assert.Equal(0, outcome.Errors);
        Assert.All(outcome.Requests, r => Assert.True(r.FirstToken > 0 && r.Duration >= r.FirstToken));
        Assert.Equal(outcome.Requests.Count, outcome.Engines.Sum(e => e.Finished));
    }

    [Fact]
    public void Gateways_ask_with_the_objectives_and_those_that_all_or_none_meet_change_nothing()
    {
        var without = Run(Options("penstock")).Requests;
        Assert.Equal(without, Run(Options("penstock") with { Slo = new Slo(1e6, 1e6) }).Requests);
        Assert.Equal(without, Run(Options("penstock") with { Slo = new Slo(1e-9, 1e-9) }).Requests);
        var asked = new AskedPolicy();
        Run(Options("penstock") with { Slo = new Slo(0.1, 0.02), Policy = _ => asked });
        Assert.Equal([new Slo(0.1, 0.02)], asked.Objectives);
    }

    [Fact]
    public void The_share_in_time_is_that_of_all_requests()
    {
        var outcome = Run(Options("penstock"));
        Assert.Equal((0, 1), (outcome.Within(0), outcome.Within(1e6)));
        Assert.InRange(outcome.Within(outcome.FirstToken.P90), 0.89, 0.92);
    }

    [Fact]
    public void The_next_turn_finds_the_answer_in_the_cache()
    {
        var one = new ChatWorkload(new ChatOptions { Concurrent = 1, Turns = 100, OutputTokens = 2_000 }, seed: 3);
        var outcome = Fleet.Run(Options("penstock") with { Seconds = 600, WarmupSeconds = 0 }, one);
        FleetResult? before = null;
        foreach (var turn in outcome.Requests)
        {
            var known = before is { } last ? last.PromptTokens + last.OutputTokens - 1 : 0;
            Assert.InRange(turn.CachedTokens, Math.Max(0, known - FleetRequest.BlockTokens), known);
            before = turn;
        }

        Assert.True(outcome.Requests.Count > 5);
    }

    [Fact]
    public void The_router_is_told_what_it_needs_to_predict_an_engine_that_evicts()
    {
        var outcome = Run(Options("penstock", cache: 80_000));
        Assert.InRange(outcome.HitRate, 0.05, 0.95);
        Assert.InRange(outcome.PredictedPerCached, 0.95, 1.05);
    }

    [Fact]
    public void The_oracle_sees_what_is_cached_and_what_is_left_to_do()
    {
        var engine = new EngineModel(FleetOptions.WithCache(ProfileCatalog.Find("h100-qwen3-32b")!, 100_000));
        ulong[] chain = [.. Enumerable.Range(1, 100).Select(i => (ulong)i)];
        Assert.Equal(0, engine.CachedTokens(chain));
        var idle = engine.SecondsToPrefill(6_400, default);
        engine.Submit(new EngineRequest(1, 6_400, 2, chain), default);
        while (engine.NextStepEnd is { } end)
        {
            engine.Advance(end);
        }

        Assert.Equal(6_400, engine.CachedTokens(chain));
        Assert.Equal(0.235, idle, 3);
    }

    private static FleetOptions Options(string policy, long cache = 60_000) => new()
    {
        Replicas = [.. Enumerable.Repeat(
            FleetOptions.WithCache(ProfileCatalog.Find("h100-qwen3-32b")!, cache), 3)],
        Policy = _ => RoutePolicies.Create(policy)!,
        Seconds = 90,
        WarmupSeconds = 10,
        Seed = 5,
    };

    private static FleetOutcome Run(FleetOptions options, ulong seed = 1) => Fleet.Run(
        options, new ChatWorkload(new ChatOptions { Concurrent = 30, TurnTokens = 800, ThinkSeconds = 5 }, seed));

    private sealed class AskedPolicy : RoutePolicy
    {
        public HashSet<Slo> Objectives { get; } = [];

        public override string Name => "asked";

        public override void Score(
            in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
        {
            Objectives.Add(request.Slo);
            foreach (ref var candidate in candidates)
            {
                candidate.Cost = 0;
            }
        }
    }
}
