using System.Text.Json;
using Penstock.Core.Config;
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

    [Fact]
    public async Task Whoever_misses_an_objective_is_passed_over_and_it_is_said_by_how_much()
    {
        await using var fleet = await Two.StartAsync("penstock", new() { FirstToken = TimeSpan.FromSeconds(1) });

        // Nobody computes some 20,000 tokens in time.
        var decision = await fleet.AskAsync(new string('z', 80_000));
        Assert.Equal("""{"first_token":1000}""", Text(decision, "slo_ms"));
        Assert.EndsWith("of 2 replicas; an objective is expected to be missed", Text(decision, "reason"));
        Assert.All(Candidates(decision), c =>
        {
            Assert.Equal("""["first_token"]""", Text(c, "misses"));
            Assert.Null(Text(c, "passed_over"));
            Assert.NotNull(Text(c, "cost"));
        });

        // Somebody has to, before a short one.
        decision = await fleet.AskBesideAsync(new string('y', 80_000));
        Assert.EndsWith(
            "of 2 replicas, among those that are expected to meet the objectives", Text(decision, "reason"));
        var chosen = Candidates(decision).Single(c => Text(c, "replica") == Text(decision, "replica"));
        Assert.Equal("[]", Text(chosen, "misses"));
        Assert.InRange(First(chosen), 0.1, 1_000);
        Assert.InRange(chosen.GetProperty("expected_ms").GetProperty("per_token").GetDouble(), 1, 100);
        var other = Candidates(decision).Single(c => Text(c, "replica") != Text(decision, "replica"));
        Assert.Equal("""["first_token"]""", Text(other, "misses"));
        Assert.True(other.GetProperty("passed_over").GetBoolean());
        Assert.Null(Text(other, "cost"));
        Assert.InRange(First(other), 1_000, 4_000);
    }

    [Fact]
    public async Task Without_objectives_nothing_is_said_of_them()
    {
        await using var fleet = await Two.StartAsync("penstock");
        var decision = await fleet.AskAsync();
        Assert.Null(Text(decision, "slo_ms"));
        Assert.EndsWith("of 2 replicas", Text(decision, "reason"));
        Assert.All(Candidates(decision), c => Assert.Equal((null, null), (Text(c, "misses"), Text(c, "expected_ms"))));
    }

    private static double First(JsonElement candidate) =>
        candidate.GetProperty("expected_ms").GetProperty("first_token").GetDouble();

    private static JsonElement.ArrayEnumerator Candidates(JsonElement decision) =>
        decision.GetProperty("candidates").EnumerateArray();

    private static string? Text(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) ? value.ToString() : null;

    /// <summary>A gateway in front of two engines.</summary>
    private sealed class Two(RunningGateway gateway, ScriptedEngine[] engines) : IAsyncDisposable
    {
        public static async Task<Two> StartAsync(string policy, SloConfig? slo = null)
        {
            ScriptedEngine[] engines = [Personality.Vllm.Start(), Personality.Vllm.Start()];
            var gateway = await RunningGateway.StartAsync(
                d => d with { Pools = [d.Pools[0] with { Policy = policy, Slo = slo ?? new() }] }, engines);
            return new Two(gateway, engines);
        }

        /// <summary>The decision on a request.</summary>
        public Task<JsonElement> AskAsync(params (string, string)[] headers) =>
            AskAsync(new string('x', 2_000), headers);

        /// <summary>The decision on a request of so much text.</summary>
        public async Task<JsonElement> AskAsync(string text, params (string, string)[] headers)
        {
            Assert.Equal(200, (await gateway.AskAsync(Bodies.Messages, Body(text, stream: false), headers)).Status);
            await gateway.WhenIdleAsync();
            return (await gateway.DecisionsAsync())[^1];
        }

        /// <summary>The decision on a short request while one of so much text waits for its first token.</summary>
        public async Task<JsonElement> AskBesideAsync(string text)
        {
            var gate = new Gate();
            var late = Script.EventsHead().Pass(gate)
                .SendChunk(string.Concat(CannedAnswers.MessageEvents(new EngineFacts()))).SendLastChunk();
            foreach (var engine in engines)
            {
                engine.Once("POST /v1/messages", late);
            }

            var first = gateway.AskAsync(Bodies.Messages, Body(text, stream: true));
            await gate.Reached;
            var second = gateway.AskAsync(Bodies.Messages, Body("hi", stream: true));
            await gateway.WhenFleetAsync(f => f.GetProperty("pools")[0].GetProperty("in_flight").GetInt64() == 2);
            gate.Open();
            Assert.Equal((200, 200), ((await first).Status, (await second).Status));
            await gateway.WhenIdleAsync();
            return (await gateway.DecisionsAsync())[^1];
        }

        private static string Body(string text, bool stream) => Bodies.Of(Core.Models.Dialect.Anthropic, stream)
            .Replace("Say hello", text, StringComparison.Ordinal);

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
