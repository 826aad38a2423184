using Penstock.Core.Config;
using Penstock.Gateway.Tests.CacheSync;
using Penstock.Gateway.Tests.Requests;
using Penstock.Gateway.Tests.SimulatedEngine;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>A cache that one gateway sees to be lost, by the answers that it gets.</summary>
public class LostCacheTests
{
    private const string Seen = "Warning: replica main/r0 lost its cache, as its answers show: it was restarted, or "
        + "its cache was cleared";

    private const string Told = "Information: replica main/r0 lost its cache, as gateway first saw";

    [Fact]
    public async Task What_answers_to_one_gateway_show_to_be_lost_the_other_does_not_expect_either()
    {
        await using var engine = new ForgetfulEngine();
        await using var first = await RunningGateway.StartAsync(d => WithCluster(d, "first"), engine.Scripted);
        await using var second = await RunningGateway.StartAsync(d => WithCluster(d, "second"), engine.Scripted);
        await Acquaintance.MakeAsync(first, second);

        await AskAsync(second, "a");
        engine.Cached = 480;
        Assert.InRange(await AskAsync(second, "a"), 100, 499);
        engine.Cached = 0;
        await LoseAsync(first);
        Assert.Contains(Seen, first.Faults.News);
        await Acquaintance.PassTimeUntilAsync(first, second, async () =>
        {
            await second.AdminAsync("/admin/config");
            return second.Faults.News.Contains(Told);
        });
        Assert.Equal(0, await AskAsync(second, "a"));
    }

    /// <summary>Two engines under one name: the one behind the second gateway says itself what it holds.</summary>
    [Fact]
    public async Task Whoever_has_the_events_of_an_engine_believes_them_and_no_other_gateway()
    {
        await using var engine = new ForgetfulEngine();
        await using var first = await RunningGateway.StartAsync(
            d => WithCluster(d, "first") with { Routing = new RoutingConfig { CacheScope = KnownNames.ScopeAll } },
            engine.Scripted);
        await using var fleet = await EventedFleet.StartAsync(
            [EventedFleet.Publisher(KvDialect.VllmMaps)], changeAll: document => WithCluster(document, "second"));
        var second = fleet.Gateway;
        await fleet.WhenAsync(f => EventedFleet.State(f) == "live");
        var story = EventedFleet.Chat(EventedFleet.Words("a story", 400));
        await second.AskAsync("/v1/chat/completions", story);
        await fleet.WhenAsync(f => EventedFleet.Count(f, "resident_tokens") > 300);
        second.Clock.Advance(TimeSpan.FromSeconds(1));
        var remembered = await RememberedAsync(second);

        await Acquaintance.MakeAsync(first, second);
        await LoseAsync(first);
        await AskAsync(first, "z");

        // Three prompts of eight blocks: the last was told after the loss.
        await Acquaintance.PassTimeUntilAsync(
            first, second, async () => await RememberedAsync(second) >= remembered + 24);
        Assert.DoesNotContain(Told, second.Faults.News);
        await second.AskAsync("/v1/chat/completions", story);
        Assert.InRange((await second.DecisionsAsync())[^1].GetProperty("predicted_cached_tokens").GetInt64(), 300, 800);
    }

    private static PenstockConfig WithCluster(PenstockConfig document, string node) =>
        Acquaintance.WithCluster(document, node);

    /// <summary>Two prompts that were there are not there any more.</summary>
    private static async Task LoseAsync(RunningGateway gateway)
    {
        foreach (var prompt in (string[])["p", "q", "p", "q"])
        {
            await AskAsync(gateway, prompt);
        }
    }

    /// <summary>Asks, and returns how many tokens were expected to be cached.</summary>
    private static async Task<long> AskAsync(RunningGateway gateway, string name)
    {
        var body = $$"""
            {"model":"{{RunningGateway.Model}}","max_tokens":9,"messages":[{"role":"user","content":
            "{{name}} {{string.Join(name, Enumerable.Range(0, 600))}}"}]}
            """;
        Assert.Equal(200, (await gateway.AskAsync(Bodies.Messages, body)).Status);
        await gateway.WhenIdleAsync();
        return (await gateway.DecisionsAsync())[^1].GetProperty("predicted_cached_tokens").GetInt64();
    }

    private static async Task<long> RememberedAsync(RunningGateway gateway) =>
        RunningGateway.Replicas(await gateway.AdminAsync("/admin/fleet")).Single()
            .GetProperty("cache").GetProperty("remembered_blocks").GetInt64();

    /// <summary>Finds in its cache what the test says.</summary>
    private sealed class ForgetfulEngine : IAsyncDisposable
    {
        private volatile int _cached;

        public ForgetfulEngine()
        {
            Scripted = Personality.Vllm.Start();
            var usual = Scripted.AnswerTo("POST /v1/messages");
            Scripted.On("POST /v1/messages", r => r.Body.Length == 0 ? usual(r) : Script.Reply(200, $$$"""
                {"id":"msg_1","type":"message","role":"assistant","model":"m","stop_reason":"end_turn",
                "stop_sequence":null,"content":[{"type":"text","text":"yes"}],
                "usage":{"input_tokens":{{{500 - _cached}}},
                "cache_creation_input_tokens":0,"cache_read_input_tokens":{{{_cached}}},"output_tokens":2}}
                """));
        }

        public ScriptedEngine Scripted { get; }

        public int Cached
        {
            set => _cached = value;
        }

        public ValueTask DisposeAsync() => Scripted.DisposeAsync();
    }
}
