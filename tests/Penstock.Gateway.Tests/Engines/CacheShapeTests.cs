using Penstock.Core.Prefixes;
using Penstock.Engines;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>What each kind of engine tells about its cache, and where it publishes what happens in it.</summary>
public class CacheShapeTests
{
    private static readonly Dictionary<string, CacheShape> Shapes = new()
    {
        ["vllm"] = new() { Kind = CacheKind.Paged, CapacityTokens = 16_000, BlockTokens = 16, Ranks = 1 },
        ["sglang"] = new() { Kind = CacheKind.Radix, CapacityTokens = 16_000, BlockTokens = 16, Ranks = 1 },
        ["trtllm"] = new()
        {
            Kind = CacheKind.Paged,
            CapacityTokens = 16_000,
            BlockTokens = 32,
            Ranks = 1,
            HostTokens = 32_000,
            HasHost = true,
        },
        ["llamacpp"] = new()
        {
            Kind = CacheKind.Slots,
            CapacityTokens = 4 * 32_768,
            BlockTokens = 1,
            Slots = 4,
            Ranks = 1,
        },
        ["openai"] = default,
        ["anthropic"] = default,
    };

    public static TheoryData<string> Kinds => Wires.Kinds;

    [Theory, MemberData(nameof(Kinds))]
    public async Task Every_kind_tells_its_cache_as_it_is(string kind)
    {
        await using var engine = Wires.Kind(kind).Start();
        Assert.Equal(Shapes[kind], (await ProbeAsync(kind, engine)).Cache);
    }

    [Fact]
    public void A_shape_tells_what_follows_from_it()
    {
        var slots = new CacheShape { Kind = CacheKind.Slots, CapacityTokens = 4096, Slots = 4, BlockTokens = 1 };
        Assert.Equal((1024, 4096, 4096), (slots.SlotTokens, slots.RankTokens, slots.Blocks));
        var paged = new CacheShape { Kind = CacheKind.Paged, CapacityTokens = 4096, Ranks = 2, BlockTokens = 16 };
        Assert.Equal((0, 2048, 256), (paged.SlotTokens, paged.RankTokens, paged.Blocks));
        var unknown = default(CacheShape);
        Assert.Equal((0, 0, 0), (unknown.SlotTokens, unknown.RankTokens, unknown.Blocks));
    }

    [Fact]
    public async Task Ranks_behind_one_address_add_up()
    {
        await using var engine = Personality.Sglang.Start();
        engine.On("GET /server_info", Script.Reply(200, """
            {"page_size":64,"tp_size":1,"schedule_policy":"lpm","dp_size":2,"max_total_num_tokens":16000,
            "enable_hierarchical_cache":true,"hicache_ratio":1.5,"hicache_storage_backend":"mooncake",
            "kv_events":{"publisher":"zmq","endpoint_host":"*","endpoint_port_base":5557,"topic":"kv","block_size":64,
            "dp_size":2,"load_endpoint_port_base":5559,"load_topic":"load"} }
            """));
        var identity = await ProbeAsync("sglang", engine);
        Assert.Equal(32_000, identity.KvTokens);
        Assert.Equal(
            new CacheShape
            {
                Kind = CacheKind.Radix,
                CapacityTokens = 32_000,
                BlockTokens = 64,
                Ranks = 2,
                HostTokens = 48_000,
                HasHost = true,
                HasDisk = true,
            },
            identity.Cache);
        Assert.Equal(
            new KvEventSource
            {
                Channel = KvEventChannel.Zmq,
                Endpoints = ["tcp://127.0.0.1:5557", "tcp://127.0.0.1:5558"],
                Topic = "kv",
                BlockTokens = 64,
                LoadEndpoints = ["tcp://127.0.0.1:5559", "tcp://127.0.0.1:5560"],
                LoadTopic = "load",
            },
            identity.KvEvents);
    }

    [Theory]
    [InlineData("*", "10.0.0.3", "tcp://10.0.0.3:5557")]
    [InlineData("0.0.0.0", "engine.local", "tcp://engine.local:5557")]
    [InlineData("::", "fd00::3", "tcp://[fd00::3]:5557")]
    [InlineData("[::]", "[fd00::3]", "tcp://[fd00::3]:5557")]
    [InlineData("10.0.0.9", "10.0.0.3", "tcp://10.0.0.9:5557")]
    [InlineData("fd00::9", "10.0.0.3", "tcp://[fd00::9]:5557")]
    public void A_publisher_bound_to_every_interface_is_reached_where_the_engine_is(
        string bound, string host, string expected) =>
        Assert.Equal([expected], KvEventSource.EndpointsOf(bound, 5557, 1, host));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-1, 1)]
    [InlineData(65_535, 2)]
    [InlineData(65_536, 1)]
    public void Ports_that_do_not_fit_are_no_endpoints(long port, long ranks) =>
        Assert.Empty(KvEventSource.EndpointsOf("*", port, ranks, "h"));

    [Fact]
    public async Task The_one_that_is_asked_for_its_events_says_so()
    {
        await using var engine = Personality.Trtllm.Start();
        Assert.Equal(
            new KvEventSource
            {
                Channel = KvEventChannel.HttpDrain,
                BlockTokens = 32,
                HashAlgorithm = "v1_block_key",
            },
            (await ProbeAsync("trtllm", engine)).KvEvents);
        Assert.Empty(engine.To("POST /kv_cache_events"));
    }

    [Theory]
    [InlineData("vllm")]
    [InlineData("llamacpp")]
    [InlineData("openai")]
    public async Task The_others_tell_of_no_events(string kind)
    {
        await using var engine = Wires.Kind(kind).Start();
        Assert.Null((await ProbeAsync(kind, engine)).KvEvents);
    }

    [Fact]
    public async Task Without_its_Prometheus_page_it_is_asked_for_its_iterations()
    {
        var facts = new EngineFacts { Running = 3, Waiting = 5, KvUsage = 0.25 };
        await using var engine = Personality.Trtllm.Start(facts);
        engine.Without("GET /prometheus/metrics");
        using var client = Wires.Client();
        var adapter = Wires.Adapter("trtllm");
        var endpoint = new EngineEndpoint(engine.Url);
        var identity = (await adapter.ProbeAsync(client, endpoint, Wires.Guard))!;
        Assert.Equal(16_000, identity.Cache.CapacityTokens);
        var load = (await adapter.ReadLoadAsync(client, endpoint, identity, Wires.Guard))!;
        Assert.Equal((3, 5, 0.25, 16_000), (load.Running, load.Waiting, load.KvUsage, load.KvTokens));

        // Nothing has happened since: that is no load of zero.
        engine.On("GET /metrics", Script.Reply(200, "[]"));
        Assert.Null(await adapter.ReadLoadAsync(client, endpoint, identity, Wires.Guard));
    }

    private static async Task<EngineIdentity> ProbeAsync(string kind, ScriptedEngine engine)
    {
        using var client = Wires.Client();
        return (await Wires.Adapter(kind).ProbeAsync(client, new EngineEndpoint(engine.Url), Wires.Guard))!;
    }
}
