using System.Text.Json;
using Penstock.Cli.Engine;
using Penstock.Core.Config;
using Penstock.Gateway.Tests.Requests;
using Penstock.Gateway.Tests.SimulatedEngine;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>Simulated engines that publish, and a gateway in front of them that listens.</summary>
internal sealed class EventedFleet : IAsyncDisposable
{
    private readonly List<EngineServer> _engines = [];

    public IReadOnlyList<EngineServer> Engines => _engines;

    public RunningGateway Gateway { get; private set; } = null!;

    /// <param name="engines">What each engine is; publishes on free ports unless told otherwise.</param>
    /// <param name="change">What the test wants otherwise of the pool.</param>
    /// <param name="recorded">How its decisions are recorded.</param>
    /// <param name="changeAll">And of the whole document.</param>
    public static async Task<EventedFleet> StartAsync(
        IEnumerable<SimulatedEngineOptions> engines, Func<PoolConfig, PoolConfig>? change = null,
        DecisionLogConfig? recorded = null, Func<PenstockConfig, PenstockConfig>? changeAll = null)
    {
        var fleet = new EventedFleet();
        foreach (var options in engines)
        {
            fleet._engines.Add(await EngineServer.StartAsync(options));
        }

        var pool = new PoolConfig
        {
            Name = "main",
            Model = "m",
            Policy = "round-robin",
            Replicas = [.. fleet._engines.Select((e, i) => Replica(e, $"r{i}"))],
        };
        pool = change?.Invoke(pool) ?? pool;
        fleet.Gateway = await RunningGateway.StartAsync(document =>
        {
            document = document with
            {
                Models = [new ModelConfig { Id = "m", MaxOutputTokens = 4096 }],
                Pools = [pool],
                Routing = new RoutingConfig { CacheScope = KnownNames.ScopeAll },
                DecisionLog = recorded ?? document.DecisionLog,
            };
            return changeAll?.Invoke(document) ?? document;
        });
        return fleet;
    }

    /// <summary>A vLLM that publishes in one of its forms.</summary>
    public static SimulatedEngineOptions Publisher(
        Wire.KvEvents.KvDialect dialect, SimulatedEngineKind kind = SimulatedEngineKind.Vllm) =>
        EngineServer.Options with
        {
            Kind = kind,
            BlockTokens = 16,
            Events = new SimulatedEventOptions
            {
                Dialect = dialect,
                Endpoint = "tcp://127.0.0.1:0",
                ReplayEndpoint = "tcp://127.0.0.1:0",
            },
        };

    public static string Chat(string text, int tokens = 8) =>
        $$"""
        {"model":"m","max_tokens":{{tokens}},"ignore_eos":true,"messages":[{"role":"user","content":"{{text}}"}]}
        """;

    public static string Words(string first, int count) =>
        first + string.Concat(Enumerable.Range(0, count).Select(i => $" w{i}"));

    public static long Cached(JsonElement answer) => answer.GetProperty("usage")
        .GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt64();

    /// <summary>What the gateway says of a replica's feed.</summary>
    public static JsonElement Feed(JsonElement fleet, int replica = 0) =>
        RunningGateway.Replicas(fleet).ElementAt(replica).GetProperty("cache_events");

    public static string State(JsonElement fleet, int replica = 0) =>
        Feed(fleet, replica).GetProperty("state").GetString()!;

    public static long Count(JsonElement fleet, string name, int replica = 0) =>
        Feed(fleet, replica).TryGetProperty(name, out var value) ? value.GetInt64() : -1;

    /// <summary>Completes once the feed of a replica is as wanted; time goes on meanwhile.</summary>
    public async Task WhenAsync(Func<JsonElement, bool> holds)
    {
        while (!holds(await Gateway.AdminAsync("/admin/fleet")))
        {
            RunningGateway.Guard.ThrowIfCancellationRequested();

            // Little enough that what real sockets do in the meantime is never too late by this clock.
            Gateway.Clock.Advance(TimeSpan.FromMilliseconds(5));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        foreach (var engine in _engines)
        {
            await engine.DisposeAsync();
        }
    }

    private static ReplicaConfig Replica(EngineServer engine, string name) => new()
    {
        Url = engine.Client.BaseAddress!,
        Name = name,
        KvEvents = engine.Events is not { Events: { } events } at ? null : new KvEventsConfig
        {
            Endpoint = events,
            ReplayEndpoint = at.Replay,
        },
    };
}
