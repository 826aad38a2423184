using System.Text;
using Penstock.Core.Routing;
using Penstock.Simulator.Fleets;
using Penstock.Simulator.Replicas;
using Penstock.Simulator.Workloads;

namespace Penstock.Simulator.Tests.Fleets;

/// <summary>A small league on recorded sessions. <c>eng/bench/league</c> plays the large ones.</summary>
public sealed class LeagueTests
{
    private const string Trace = "traces/claude_code_sessions_rle.jsonl";

    /// <param name="hearEvery">With 1, gateways hear of tokens once a second, as on a machine that is short of cores:
    /// what is measured of replicas must stand that.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void On_recorded_sessions_the_default_has_the_shortest_tail(double hearEvery)
    {
        var path = Path.Combine(Environment.GetEnvironmentVariable("PENSTOCK_DATA") ?? "../shared/data", Trace);
        Assert.SkipUnless(File.Exists(path), $"no {Trace}: set PENSTOCK_DATA to the folder of the test data");
        var sessions = File.ReadLines(path).Take(150)
            .Select(line => SessionTrace.Parse(Encoding.UTF8.GetBytes(line))).ToArray();
        string[] others = ["round-robin", "least-outstanding", "llmd-weighted", "lmetric", "dynamo-kv"];
        var own = Tail("penstock", sessions, hearEvery);
        Assert.All(others, policy => Assert.True(own < Tail(policy, sessions, hearEvery), policy));
    }

    /// <summary>The mean of two seeds' 90th percentiles of the time to the first token.</summary>
    private static double Tail(string policy, SessionTrace[] sessions, double hearEvery)
    {
        var sum = 0.0;
        for (var seed = 1UL; seed <= 2; seed++)
        {
            var options = new FleetOptions
            {
                Replicas = [.. Enumerable.Repeat(
                    FleetOptions.WithCache(ProfileCatalog.Find("h100-qwen3-32b")!, 1_000_000), 4)],
                Policy = _ => RoutePolicies.Create(policy)!,
                Seed = seed,
                Seconds = 1_200,
                WarmupSeconds = 500,
                HearEvery = hearEvery,
            };
            sum += Fleet.Run(options, new SessionWorkload(sessions, new SessionOptions { Concurrent = 48 }, seed))
                .FirstToken.P90;
        }

        return sum / 2;
    }
}
