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
            [new DnsEndPoint("h", 5557), new("h", 5558)], plan.Events.Select(e => e.Endpoint.Address));
        Assert.Equal([new DnsEndPoint("h", 7000), new("h", 7001)], plan.Events.Select(e => e.Replay));
        Assert.All(plan.Events, e => Assert.Equal("told", e.Topic));
        Assert.Equal(
            [new DnsEndPoint("h", 6557), new("h", 6558)], plan.Loads.Select(e => e.Endpoint.Address));
        Assert.All(plan.Loads, e => Assert.Equal("load", e.Topic));
    }

    /// <summary>Where we connect to, the configuration says: an engine could name any host, or what is none.</summary>
    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("a b")]
    [InlineData("[::")]
    public void A_host_that_an_engine_names_is_not_connected_to(string host)
    {
        var told = Sglang with
        {
            KvEvents = Sglang.KvEvents! with
            {
                Endpoints = KvEventSource.EndpointsOf(host, 5557, 1, "h"),
                ReplayEndpoints = KvEventSource.EndpointsOf(host, 7000, 1, "h"),
                LoadEndpoints = KvEventSource.EndpointsOf(host, 6557, 1, "h"),
            },
        };
        var plan = FeedPlan.Of(KvEventsSnapshot.Default, told, "h");
        var events = Assert.Single(plan.Events);
        Assert.Equal(new DnsEndPoint("h", 5557), events.Endpoint.Address);
        Assert.Equal(new DnsEndPoint("h", 7000), events.Replay);
        Assert.Equal(new DnsEndPoint("h", 6557), Assert.Single(plan.Loads).Endpoint.Address);
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
        Assert.False(FeedPlan.Of(KvEventsSnapshot.Default, drained, "h").LeavesAlone);
    }

    [Fact]
    public void What_other_gateways_may_fetch_is_left_alone_and_what_is_published_is_not()
    {
        var drained = Vllm with { KvEvents = new KvEventSource { Channel = KvEventChannel.HttpDrain } };
        var plan = FeedPlan.Of(new() { Drains = false }, drained, "h");
        Assert.Equal((false, true), (plan.Drains, plan.LeavesAlone));
        Assert.True(plan.IsNothing);
        Assert.False(plan.IsSameAs(FeedPlan.Nothing));
        var published = FeedPlan.Of(new() { Drains = false }, Sglang, "h");
        Assert.False(published.LeavesAlone);
        Assert.Equal(2, published.Events.Length);
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
