using System.Net;
using Penstock.Core.Config;
using Penstock.Core.Prefixes;
using Penstock.Engines;
using Penstock.Gateway.CacheSync;

namespace Penstock.Gateway.Tests.CacheSync;

public sealed class FeedPlanTests
{
    private static readonly EngineIdentity Vllm = new()
    {
        Adapter = EngineRegistry.All.First(a => a.Name == "vllm"),
        Cache = new CacheShape { Ranks = 2 },
    };

    private static readonly EngineIdentity Sglang = Vllm with
    {
        KvEvents = new KvEventSource
        {
            Channel = KvEventChannel.Zmq,
            Endpoints = ["tcp://engine:5557", "tcp://engine:5558"],
            Topic = "told",
            LoadEndpoints = ["tcp://engine:6557", "tcp://engine:6558"],
            LoadTopic = "load",
        },
    };

    [Fact]
    public void An_engine_that_tells_nothing_is_not_listened_to() =>
        Assert.True(FeedPlan.Of(KvEventsSnapshot.Default, Vllm, "h").IsNothing);

    [Fact]
    public void What_is_switched_off_is_not_listened_to() =>
        Assert.True(FeedPlan.Of(new() { Enabled = false }, Sglang, "h").IsNothing);

    [Fact]
    public void A_configured_publisher_has_a_port_for_each_rank_of_the_engine()
    {
        var plan = FeedPlan.Of(
            new() { Endpoint = new("{host}", 5557), Replay = new("{host}", 7000), Topic = "kv" }, Vllm, "h");
        Assert.Equal([new DnsEndPoint("h", 5557), new("h", 5558)], plan.Events.Select(e => e.Endpoint.Address));
        Assert.Equal([new DnsEndPoint("h", 7000), new("h", 7001)], plan.Events.Select(e => e.Replay));
        Assert.All(plan.Events, e => Assert.Equal(("kv", false), (e.Topic, e.Endpoint.IsBoundHere)));
        Assert.Equal([0, 1], plan.Events.Select(e => e.Rank));
    }

    [Fact]
    public void Engines_that_connect_to_us_are_listened_for()
    {
        var plan = FeedPlan.Of(new() { Endpoint = new("*", 5557), Replay = new("*", 7000), Ranks = 1 }, Vllm, "h");
        var only = Assert.Single(plan.Events);
        Assert.True(only.Endpoint.IsBoundHere);
        Assert.Equal(new DnsEndPoint("*", 7000), only.Replay);
    }

    [Fact]
    public void What_the_engine_says_holds_where_nothing_is_configured()
    {
        var plan = FeedPlan.Of(new() { Replay = new("{host}", 7000) }, Sglang, "h");
        Assert.Equal(
            [new DnsEndPoint("engine", 5557), new("engine", 5558)], plan.Events.Select(e => e.Endpoint.Address));
        Assert.Equal([new DnsEndPoint("h", 7000), new("h", 7001)], plan.Events.Select(e => e.Replay));
        Assert.All(plan.Events, e => Assert.Equal("told", e.Topic));
        Assert.Equal(
            [new DnsEndPoint("engine", 6557), new("engine", 6558)], plan.Loads.Select(e => e.Endpoint.Address));
        Assert.All(plan.Loads, e => Assert.Equal("load", e.Topic));
    }

    [Fact]
    public void A_plan_that_is_made_again_is_the_same()
    {
        var wanted = new KvEventsSnapshot { Replay = new("{host}", 7000) };
        var plan = FeedPlan.Of(wanted, Sglang, "h");
        Assert.True(plan.IsSameAs(FeedPlan.Of(wanted, Sglang with { Version = "2" }, "h")));
        Assert.False(plan.IsSameAs(FeedPlan.Of(wanted with { Topic = "other" }, Sglang, "h")));
    }

    [Fact]
    public void An_endpoint_to_drain_is_drained_unless_another_is_configured()
    {
        var drained = Vllm with { KvEvents = new KvEventSource { Channel = KvEventChannel.HttpDrain } };
        Assert.True(FeedPlan.Of(KvEventsSnapshot.Default, drained, "h").Drains);
        Assert.False(FeedPlan.Of(new() { Endpoint = new("h", 1) }, drained, "h").Drains);
    }

    [Fact]
    public void Chains_that_were_used_last_are_kept()
    {
        var chain = new CachedChain(new ulong[100], 1600);
        var cache = new ChainCache(chain.Bytes * 2);
        cache.Add(1, chain);
        cache.Add(2, chain);
        Assert.NotNull(cache.Find(1));
        cache.Add(3, chain);
        Assert.Null(cache.Find(2));
        Assert.Same(chain, cache.Find(1));
        Assert.Same(chain, cache.Find(3));
        Assert.Equal(chain.Bytes * 2, cache.Bytes);
    }
}
