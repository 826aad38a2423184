using Penstock.Core.Config;
using Penstock.Gateway.Configuration;

namespace Penstock.Gateway.Tests.Configuration;

public class CacheSettingTests
{
    private const string Cluster = "cluster: {secret: {env: SOME_SECRET}}";

    private const string Two = """
        models: [{id: m}]
        pools:
          - name: p
            model: m
            replicas: [http://a, http://b]
        """;

    [Theory]
    [InlineData("    kv_events: {endpoint: 'http://a:1'}", "pools[0].kv_events.endpoint: is no address of the form")]
    [InlineData("    kv_events: {endpoint: 'tcp://a'}", "pools[0].kv_events.endpoint: is no address of the form")]
    [InlineData("    kv_events: {endpoint: 'tcp://a:70000'}", "pools[0].kv_events.endpoint: is no address of the form")]
    [InlineData("    kv_events: {replay_endpoint: 'a:1'}", "pools[0].kv_events.replay_endpoint: is no address")]
    [InlineData("    kv_events: {endpoint: 'tcp://a:65535', ranks: 2}", "to which 2 ranks add up to 65536")]
    [InlineData("    kv_events: {ranks: 300}", "pools[0].kv_events.ranks: is 300; it can be from 1 to 256")]
    [InlineData("    kv_events: {endpoint: 'tcp://*:5557'}", "binds port 5557 for several replicas")]
    [InlineData("    kv_events: {endpoint: 'tcp://{host}:5557', replay_endpoint: 'tcp://{host}:5558', ranks: 2}",
        "pools[0].kv_events.replay_endpoint: has the ports 5558 to 5559, which overlap 5557 to 5558 of endpoint; keep "
        + "them apart by the number of ranks, such as tcp://{host}:5559")]
    [InlineData("    kv_events: {endpoint: 'tcp://e:5560', replay_endpoint: 'tcp://e:5557', ranks: 4}", "overlap")]
    [InlineData("    kv_events: {endpoint: 'tcp://e:5557', replay_endpoint: 'tcp://e:5557'}",
        "has the ports 5557, which overlap 5557 of endpoint")]
    [InlineData("    kv_events: {endpoint: 'tcp://e:65534', replay_endpoint: 'tcp://e:65533', ranks: 2}",
        "such as tcp://e:65532")]
    [InlineData("    cache: {block_tokens: 0}", "pools[0].cache.block_tokens: is 0; it can be from 1 to 65536")]
    [InlineData("    prefix_keys: token", "pools[0].prefix_keys: 'token' is not known; did you mean 'tokens'?")]
    [InlineData("    prefix_keys: tokens", "routing.cache_scope is org; write all there, or bytes here")]
    public void What_cannot_be_is_refused(string added, string error) =>
        Assert.Contains(error, Assert.Single(Documents.Load($"{Two}\n{added}\n").Errors).ToString());

    /// <summary>Apart by the ranks, on other hosts, or where the engine connects to the gateway.</summary>
    [Theory]
    [InlineData("{endpoint: 'tcp://{host}:5557', replay_endpoint: 'tcp://{host}:5558'}")]
    [InlineData("{endpoint: 'tcp://{host}:5557', replay_endpoint: 'tcp://{host}:5559', ranks: 2}")]
    [InlineData("{endpoint: 'tcp://{host}:5557', replay_endpoint: 'tcp://{host}:5553', ranks: 4}")]
    [InlineData("{endpoint: 'tcp://a:5557', replay_endpoint: 'tcp://b:5557', ranks: 4}")]
    public void Events_and_replays_of_all_ranks_have_ports_of_their_own(string events) =>
        Assert.Empty(Documents.Load($"{Two}\n    kv_events: {events}\n").Errors);

    [Fact]
    public void The_port_that_an_engine_connects_to_is_not_on_the_host_that_replays() =>
        Assert.Empty(Documents.Load("""
            models: [{id: m}]
            pools:
              - name: p
                model: m
                kv_events: {endpoint: 'tcp://*:5557', replay_endpoint: 'tcp://{host}:5558', ranks: 2}
                replicas: [http://a]
            """).Errors);

    /// <summary>Each event is given out once, so that of several gateways one alone may fetch them.</summary>
    [Theory]
    [InlineData("", "", true, true)]
    [InlineData("", "kv_events: {enabled: true}", true, true)]
    [InlineData("", "kv_events: {enabled: false}", false, false)]
    [InlineData(Cluster, "", true, false)]
    [InlineData(Cluster, "kv_events: {topic: kv}", true, false)]
    [InlineData(Cluster, "kv_events: {enabled: true}", true, true)]
    [InlineData(Cluster, "kv_events: {enabled: false}", false, false)]
    public void With_a_cluster_events_are_fetched_only_where_that_is_written(
        string cluster, string events, bool enabled, bool drains)
    {
        var document = ConfigLoader.FromText($"{Two}\n    {events}\n{cluster}\n", 1, SecretReader.Assume);
        Assert.Empty(document.Errors);
        Assert.All(
            document.Snapshot!.Pools[0].Replicas,
            r => Assert.Equal((enabled, drains), (r.KvEvents.Enabled, r.KvEvents.Drains)));
    }

    [Fact]
    public void Two_replicas_cannot_be_listened_for_at_one_port()
    {
        var errors = Documents.Load("""
            models: [{id: m}]
            pools:
              - name: p
                model: m
                replicas:
                  - {url: http://a, kv_events: {endpoint: 'tcp://*:5557', ranks: 2}}
                  - {url: http://b, kv_events: {endpoint: 'tcp://*:5558'}}
            """).Errors;
        Assert.Contains(
            "binds port 5558, as pools[0].replicas[0].kv_events.endpoint does", Assert.Single(errors).ToString());
    }

    [Fact]
    public void A_replica_has_its_own_events_or_those_of_its_pool()
    {
        var pool = Documents.Load("""
            models: [{id: m}]
            routing: {cache_scope: all}
            pools:
              - name: p
                model: m
                prefix_keys: tokens
                kv_events: {endpoint: 'tcp://{host}:5557', topic: kv, ranks: 2}
                cache: {capacity_tokens: 1000, block_tokens: 32}
                replicas:
                  - http://a
                  - {url: http://b, kv_events: {enabled: false, replay_endpoint: 'tcp://[::1]:5558'}}
            """).Snapshot!.Pools[0];
        Assert.True(pool.KeysAreTokens);
        Assert.Equal(new CacheSnapshot { CapacityTokens = 1000, BlockTokens = 32 }, pool.Cache);
        Assert.Equal(
            new KvEventsSnapshot { Endpoint = new("{host}", 5557), Topic = "kv", Ranks = 2 },
            pool.Replicas[0].KvEvents);
        Assert.Equal(
            new KvEventsSnapshot { Enabled = false, Drains = false, Replay = new("::1", 5558) },
            pool.Replicas[1].KvEvents);
    }
}
