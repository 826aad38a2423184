using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Simulator.Fleets;
using Penstock.Simulator.Replicas;
using Penstock.Simulator.Workloads;

namespace Penstock.Simulator.Tests.Fleets;

/// <summary>One system prompt that everybody has, with short questions of their own behind it: whoever follows the
/// cache alone sends all of it to the one replica that holds it.</summary>
public sealed class HotPrefixTests
{
    private const int Replicas = 8;

    [Fact]
    public void Where_one_replica_has_room_for_all_of_it_nobody_waits_noticeably()
    {
        var own = Run(_ => RoutePolicies.Create("penstock")!, rate: 10);
        Assert.True(own.HitRate > 0.9 && own.FirstToken.P99 < 0.1, $"{own.HitRate}, {own.FirstToken}");
    }

    [Theory]
    [InlineData(40, 0.5)]
    [InlineData(80, 0.25)]
    public void Where_one_replica_has_not_the_prompt_is_copied_to_as_many_as_it_takes(double rate, double shareMax)
    {
        var naive = Run(_ => new LongestPrefix(), rate);
        var own = Run(_ => RoutePolicies.Create("penstock")!, rate);
        Assert.True(naive.Shares.Max() > 0.99 && naive.FirstToken.P50 > 30, $"{naive.FirstToken}");
        Assert.True(own.Shares.Max() < shareMax && own.FirstToken.P90 < 0.5, $"{own.FirstToken} {own.Shares.Max()}");
        Assert.True(own.FirstToken.P99 < naive.FirstToken.P50 / 10, $"{own.FirstToken} {naive.FirstToken}");
    }

    private static FleetOutcome Run(Func<IReadOnlyList<EngineModel>, RoutePolicy> policy, double rate)
    {
        var options = new FleetOptions
        {
            Replicas = [.. Enumerable.Repeat(
                FleetOptions.WithCache(ProfileCatalog.Find("h100-qwen3-32b")!, 300_000), Replicas)],
            Policy = policy,
            Seconds = 120,
            WarmupSeconds = 20,
            Seed = 7,
        };
        var prompts = new PrefixOptions
        {
            Rate = rate,
            Seconds = options.Seconds,
            PrefixTokens = 8_192,
            TailTokens = 192,
            OutputTokens = 100,
        };
        return Fleet.Run(options, new PrefixWorkload(prompts, seed: 3));
    }

    /// <summary>Naive affinity: whoever holds the most of the prompt.</summary>
    private sealed class LongestPrefix : RoutePolicy
    {
        public override string Name => "longest-prefix";

        public override string Unit => "tokens";

        public override void Score(
            in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
        {
            foreach (ref var candidate in candidates)
            {
                candidate.Cost = candidate.UncachedTokens;
            }
        }
    }
}
