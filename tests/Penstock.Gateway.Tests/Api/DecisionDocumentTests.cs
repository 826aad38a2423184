using System.Text.Json;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Api;

/// <summary>What <c>/admin/decisions</c> says of costs is what the policy means by them.</summary>
public class DecisionDocumentTests
{
    [Theory]
    [InlineData("penstock", "sum", "s", "queue s, prefill s")]
    [InlineData("lmetric", "product", "tokens·requests", "prefill tokens, load requests")]
    [InlineData("skywalker", "rank", null, "waiting requests, uncached tokens, in_flight requests")]
    [InlineData("weighted-random", "draw", null, "")]
    [InlineData("chwbl", "sum", "places", "place, over, in_flight requests")]
    [InlineData("least-outstanding", "sum", "requests", "")]
    public async Task A_decision_says_what_its_costs_are(string policy, string kind, string? unit, string terms)
    {
        await using var fleet = await Two.StartAsync(policy);
        var decision = await fleet.AskAsync();
        Assert.Equal(kind, Text(decision, "cost_kind"));
        Assert.Equal(unit, Text(decision, "cost_unit"));
        Assert.All(Candidates(decision), c =>
        {
            var shown = c.GetProperty("terms").EnumerateArray()
                .Select(t => $"{Text(t, "name")} {Text(t, "unit")}".Trim());
            Assert.StartsWith(terms, string.Join(", ", shown), StringComparison.Ordinal);
            Assert.InRange(c.GetProperty("cost").GetDouble(), 0, kind == "rank" ? double.MaxValue : 1_000_000);
        });
        Assert.InRange(decision.GetProperty("timings_ms").GetProperty("routed").GetDouble(), 0, 60_000);
    }

    /// <summary>Without a session nobody is preferred, and all cost what they cost.</summary>
    [Fact]
    public async Task Whoever_is_passed_over_has_no_cost()
    {
        await using var fleet = await Two.StartAsync("sticky-session");
        Assert.All(Candidates(await fleet.AskAsync()), c =>
        {
            Assert.Equal(0, c.GetProperty("cost").GetDouble());
            Assert.Null(Text(c, "passed_over"));
        });
        var home = Text(await fleet.AskAsync(("x-session-id", "s")), "replica");
        var decision = await fleet.AskAsync(("x-session-id", "s"));
        Assert.Equal(home, Text(decision, "replica"));
        var other = Candidates(decision).Single(c => Text(c, "replica") != home);
        Assert.True(other.GetProperty("passed_over").GetBoolean());
        Assert.Null(Text(other, "cost"));
    }

    private static JsonElement.ArrayEnumerator Candidates(JsonElement decision) =>
        decision.GetProperty("candidates").EnumerateArray();

    private static string? Text(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) ? value.ToString() : null;

    /// <summary>A gateway in front of two engines.</summary>
    private sealed class Two(RunningGateway gateway, ScriptedEngine[] engines) : IAsyncDisposable
    {
        public static async Task<Two> StartAsync(string policy)
        {
            ScriptedEngine[] engines = [Personality.Vllm.Start(), Personality.Vllm.Start()];
            var gateway = await RunningGateway.StartAsync(
                d => d with { Pools = [d.Pools[0] with { Policy = policy }] }, engines);
            return new Two(gateway, engines);
        }

        /// <summary>The decision on a request.</summary>
        public async Task<JsonElement> AskAsync(params (string, string)[] headers)
        {
            var body = Bodies.Of(Core.Models.Dialect.Anthropic, stream: false)
                .Replace("Say hello", new string('x', 2_000), StringComparison.Ordinal);
            Assert.Equal(200, (await gateway.AskAsync(Bodies.Messages, body, headers)).Status);
            await gateway.WhenIdleAsync();
            return (await gateway.DecisionsAsync())[^1];
        }

        public async ValueTask DisposeAsync()
        {
            await gateway.DisposeAsync();
            foreach (var engine in engines)
            {
                await engine.DisposeAsync();
            }
        }
    }
}
