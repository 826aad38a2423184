using System.Text.Json;
using Penstock.Core.Config;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>Two gateways over the same engines decide by what the other one did.</summary>
public class SharedFleetTests
{
    private const string Variable = "PENSTOCK_TEST_CLUSTER_SECRET";

    public SharedFleetTests() => Environment.SetEnvironmentVariable(Variable, ClusterNode.Secret);

    [Fact]
    public async Task A_prompt_that_one_routed_is_known_to_the_other()
    {
        await using var fleet = await Two.StartAsync("cost");
        Assert.Equal(200, (await fleet.First.AskAsync(Bodies.Messages, LongPrompt)).Status);
        var used = (await fleet.First.DecisionsAsync()).Single().GetProperty("replica").GetString();
        await fleet.PassTimeUntilAsync(
            async () => Remembered(await fleet.Second.AdminAsync("/admin/fleet"), used!) > 0);
        Assert.Equal(200, (await fleet.Second.AskAsync(Bodies.Messages, LongPrompt)).Status);
        var decision = (await fleet.Second.DecisionsAsync()).Single();
        Assert.Equal(used, decision.GetProperty("replica").GetString());
        Assert.True(decision.GetProperty("predicted_cached_tokens").GetInt64() > 100);
    }

    [Fact]
    public async Task What_one_has_in_flight_counts_for_the_other_until_it_ends_or_its_gateway_does()
    {
        await using var fleet = await Two.StartAsync("least-outstanding");
        var waiting = await fleet.HoldAsync();
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(200, (await fleet.Second.AskAsync(Bodies.Messages, LongPrompt)).Status);
        }

        var decisions = await fleet.Second.DecisionsAsync();
        Assert.All(decisions, d => Assert.NotEqual(waiting.Replica, d.GetProperty("replica").GetString()));
        Assert.All(decisions, d => Assert.Equal(1, InFlight(d, waiting.Replica)));

        waiting.Response.Dispose();
        await fleet.First.WhenFleetAsync(RunningGateway.NothingInFlight);
        await fleet.PassTimeUntilAsync(async () =>
        {
            Assert.Equal(200, (await fleet.Second.AskAsync(Bodies.Messages, LongPrompt)).Status);
            return InFlight((await fleet.Second.DecisionsAsync())[^1], waiting.Replica) == 0;
        });
    }

    private static string LongPrompt { get; } = $$"""
        {"model":"{{RunningGateway.Model}}","max_tokens":9,"messages":[{"role":"user","content":
        "{{string.Join(' ', Enumerable.Range(0, 600))}}"}]}
        """;

    private static long Remembered(JsonElement fleet, string replica) => RunningGateway.Replicas(fleet)
        .Single(r => r.GetProperty("name").GetString() == replica)
        .GetProperty("cache").GetProperty("remembered_blocks").GetInt64();

    private static long InFlight(JsonElement decision, string replica) =>
        decision.GetProperty("candidates").EnumerateArray()
            .Single(c => c.GetProperty("replica").GetString() == replica).GetProperty("in_flight").GetInt64();

    /// <summary>Two gateways that know each other, and two engines behind both.</summary>
    private sealed class Two(RunningGateway first, RunningGateway second, ScriptedEngine[] engines) : IAsyncDisposable
    {
        public RunningGateway First { get; } = first;

        public RunningGateway Second { get; } = second;

        public static async Task<Two> StartAsync(string policy)
        {
            var engines = Enumerable.Range(0, 2).Select(_ => Personality.Vllm.Start(new EngineFacts { InputTokens = 500 }))
                .ToArray();
            var first = await RunningGateway.StartAsync(d => WithCluster(d, "first", policy), engines);
            var second = await RunningGateway.StartAsync(d => WithCluster(d, "second", policy), engines);
            await TellAsync(first, await AddressAsync(second));
            await TellAsync(second, await AddressAsync(first));
            return new Two(first, second, engines);
        }

        /// <summary>A stream through the first gateway that goes on until it is left.</summary>
        public async Task<(string Replica, HttpResponseMessage Response)> HoldAsync()
        {
            foreach (var engine in engines)
            {
                var usual = engine.AnswerTo("POST /v1/messages");
                engine.On("POST /v1/messages", r => r.Header("x-endless") is null ? usual(r) : Endless());
            }

            var response = await First.SendAsync(
                Bodies.Messages, Bodies.Of(Core.Models.Dialect.Anthropic, true), ("x-endless", "yes"));
            var decision = (await First.DecisionsAsync()).Single();
            var replica = decision.GetProperty("replica").GetString()!;
            await WhenHeardAsync();
            return (replica, response);
        }

        public async ValueTask DisposeAsync()
        {
            await First.DisposeAsync();
            await Second.DisposeAsync();
            foreach (var engine in engines)
            {
                await engine.DisposeAsync();
            }
        }

        private static Script Endless() =>
            Script.EventsHead().SendChunk(CannedAnswers.MessageEvents(new EngineFacts()).First()).Hang();

        /// <summary>Moves both clocks by the pace of the streams until something is so.</summary>
        public async Task PassTimeUntilAsync(Func<Task<bool>> holds)
        {
            while (!await holds())
            {
                First.Clock.Advance(TimeSpan.FromMilliseconds(25));
                Second.Clock.Advance(TimeSpan.FromMilliseconds(25));
            }
        }

        private Task WhenHeardAsync() => PassTimeUntilAsync(async () =>
            (await Second.AdminAsync("/admin/cluster")).GetProperty("peers").EnumerateArray()
                .Any(p => p.GetProperty("in_flight").GetInt64() == 1));

        private static async Task<Uri> AddressAsync(RunningGateway gateway) =>
            new((await gateway.AdminAsync("/admin/cluster")).GetProperty("address").GetString()!);

        private static async Task TellAsync(RunningGateway gateway, Uri peer)
        {
            var document = gateway.Source.Document;
            document = document with { Cluster = document.Cluster! with { Peers = [peer] } };
            var secrets = Gateway.Configuration.SecretReader.FromProcess(".").Read(document);
            Assert.Empty(gateway.Source.Apply(document, secrets));
            JsonElement cluster;
            do
            {
                gateway.Clock.Advance(TimeSpan.FromMilliseconds(25));
                cluster = await gateway.AdminAsync("/admin/cluster");
            }
            while (cluster.GetProperty("links").EnumerateArray().Single().GetProperty("state").GetString() != "up");
        }

        private static PenstockConfig WithCluster(PenstockConfig document, string node, string policy) => document with
        {
            Cluster = new ClusterConfig { Node = node, Port = 0, Secret = new CredentialConfig { Env = Variable } },
            Pools = [document.Pools[0] with { Policy = policy }],
        };
    }
}
