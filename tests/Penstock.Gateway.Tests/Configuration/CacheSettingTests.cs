using Penstock.Core.Config;

namespace Penstock.Gateway.Tests.Configuration;

public class CacheSettingTests
{
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
    [InlineData("    cache: {block_tokens: 0}", "pools[0].cache.block_tokens: is 0; it can be from 1 to 65536")]
    [InlineData("    prefix_keys: token", "pools[0].prefix_keys: 'token' is not known; did you mean 'tokens'?")]
    [InlineData("    prefix_keys: tokens", "routing.cache_scope is org; write all there, or bytes here")]
    public void What_cannot_be_is_refused(string added, string error) =>
        Assert.Contains(error, Assert.Single(Documents.Load($"{Two}\n{added}\n").Errors).ToString());

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
            new KvEventsSnapshot { Enabled = false, Replay = new("::1", 5558) }, pool.Replicas[1].KvEvents);
    }
}
