using System.Text;
using Penstock.Wire.Sglang;

namespace Penstock.Wire.Tests.Sglang;

public class SglangTests
{
    private const string Loads = """
        {"timestamp":"t","version":"0.6","loads":[
        {"dp_rank":0,"num_running_reqs":3,"num_waiting_reqs":1,"num_waiting_uncached_tokens":700,
        "num_used_tokens":4000,"max_total_num_tokens":16000,"token_usage":0.25},
        {"dp_rank":1,"num_running_reqs":4,"num_waiting_reqs":0,"num_waiting_uncached_tokens":0,
        "num_used_tokens":8000,"max_total_num_tokens":16000,"token_usage":0.5}]}
        """;

    private const string Info = """
        {"model_path":"/m","served_model_name":"m","page_size":64,"schedule_policy":"lpm","tp_size":2,
        "disaggregation_mode":"null","context_length":32768,"enable_metrics":true,"enable_cache_report":true,
        "max_total_num_tokens":16000,"max_running_requests":48,"version":"0.6.1","internal_states":[{}]}
        """;

    private const string Frame = """
        "page_size":64,"tp_size":1,"schedule_policy":"lpm","max_total_num_tokens":16000,
        "internal_states":[{"memory_usage":{"weight":15.1,"kvcache":10.0,"token_capacity":16000}}]
        """;

    private const string Events = """
        "kv_events":{"publisher":"zmq","endpoint_host":"*","endpoint_port_base":5557,"topic":"kv","block_size":64,
        "dp_size":2,"load_endpoint_port_base":5559,"load_topic":"load"}
        """;

    [Fact]
    public void Adds_up_the_ranks_and_takes_the_fullest_cache()
    {
        var loads = SglangLoads.Parse(Encoding.UTF8.GetBytes(Loads))!.Value;
        Assert.Equal((7, 1, 700), (loads.Running, loads.Waiting, loads.WaitingUncachedTokens));
        Assert.Equal((12_000, 32_000, 0.5), (loads.UsedTokens, loads.KvTokens, loads.KvUsage));
    }

    [Fact]
    public void The_older_form_counts_running_and_waiting_together()
    {
        var loads = SglangLoads.Parse(
            """[{"dp_rank":0,"num_reqs":5,"num_waiting_reqs":2,"num_tokens":900}]"""u8.ToArray());
        Assert.Equal((3, 2, 900), (loads!.Value.Running, loads.Value.Waiting, loads.Value.UsedTokens));
        Assert.Null(loads.Value.KvUsage);
    }

    [Fact]
    public void Reads_what_the_server_says_of_itself()
    {
        var info = SglangServerInfo.Parse(Encoding.UTF8.GetBytes(Info))!;
        Assert.Equal(("0.6.1", "m", "null"), (info.Version, info.ServedModelName, info.DisaggregationMode));
        Assert.Equal((64, 16_000, 32_768, 48), (info.PageTokens, info.KvTokens, info.ContextTokens, info.RunningMax));
        Assert.True(info.MetricsEnabled && info.CacheReportEnabled);
    }

    [Fact]
    public void The_capacity_may_be_told_by_the_scheduler_alone()
    {
        var info = SglangServerInfo.Parse("""
            {"page_size":1,"tp_size":1,"schedule_policy":"lpm",
            "internal_states":[{"memory_usage":{"token_capacity":777}}]}
            """u8.ToArray())!;
        Assert.Equal(777, info.KvTokens);
    }

    [Fact]
    public void Reads_where_the_events_of_the_cache_are_published()
    {
        var events = Information(Events)!.KvEvents!;
        Assert.Equal(("*", 5557, 2), (events.Host, events.Port, events.Ranks));
        Assert.Equal(("kv", 64), (events.Topic, events.BlockTokens));
        Assert.Equal((5559, "load", false), (events.LoadPort, events.LoadTopic, events.TokenPairs));
    }

    /// <summary>Newer servers tell the widened size, older ones that of a page.</summary>
    [Theory]
    [InlineData(64, 1, 64, 64)]
    [InlineData(64, 4, 64, 256)]
    [InlineData(64, 4, 256, 256)]
    public void Decode_context_parallelism_widens_the_blocks(int page, int dcp, int told, int expected)
    {
        var info = Information($$"""
            "page_size":{{page}},"dcp_size":{{dcp}},
            "kv_events":{"publisher":"zmq","endpoint_host":"*","endpoint_port_base":1,"block_size":{{told}} }
            """);
        Assert.Equal(expected, info!.KvEvents!.BlockTokens);
    }

    [Theory]
    [InlineData("\"EAGLE3\"", true)]
    [InlineData("\"eagle\"", true)]
    [InlineData("\"NGRAM\"", false)]
    [InlineData("null", false)]
    public void A_draft_model_of_the_EAGLE_family_hashes_pairs(string algorithm, bool pairs) =>
        Assert.Equal(pairs, Information($"\"speculative_algorithm\":{algorithm},{Events}")!.KvEvents!.TokenPairs);

    [Theory]
    [InlineData("\"kv_events\":null")]
    [InlineData("\"kv_events\":{}")]
    [InlineData("\"kv_events\":{\"publisher\":\"nats\",\"endpoint_port_base\":5557}")]
    [InlineData("\"kv_events\":{\"publisher\":\"zmq\",\"endpoint_port_base\":70000}")]
    public void A_publisher_that_cannot_be_reached_is_none(string events) => Assert.Null(Information(events)!.KvEvents);

    [Theory]
    [InlineData("\"hicache_ratio\":2.0,\"hicache_size\":0", 32_000L)]
    [InlineData("\"hicache_ratio\":2.0,\"hicache_size\":30", 48_000L)]
    [InlineData("\"hicache_ratio\":0,\"hicache_size\":0", null)]
    public void The_host_tier_is_a_multiple_of_the_device_or_so_many_gigabytes(string sizes, long? tokens)
    {
        var info = Information($"\"enable_hierarchical_cache\":true,{sizes},\"hicache_storage_backend\":\"file\"")!;
        Assert.Equal((true, true, tokens), (info.HasHostTier, info.HasStorageTier, info.HostTokens));
        var off = Information($"\"enable_hierarchical_cache\":false,{sizes},\"hicache_storage_backend\":\"file\"")!;
        Assert.Equal((false, false, null), (off.HasHostTier, off.HasStorageTier, off.HostTokens));
    }

    [Theory]
    [InlineData("""{"version":"1","server":"other"}""")]
    [InlineData("""{"page_size":16}""")]
    [InlineData("[]")]
    [InlineData("")]
    public void Server_information_of_something_else_is_none_of_ours(string body) =>
        Assert.Null(SglangServerInfo.Parse(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void Reads_the_metrics_page()
    {
        var metrics = SglangMetrics.Parse("""
            sglang:num_running_reqs{model_name="m",dp_rank="0"} 2.0
            sglang:num_running_reqs{model_name="m",dp_rank="1"} 3.0
            sglang:num_queue_reqs{model_name="m"} 4.0
            sglang:token_usage{model_name="m"} 0.4
            sglang:cached_tokens_total{model_name="m"} 10.0
            sglang:prompt_tokens_total{model_name="m"} 30.0
            """u8)!.Value;
        Assert.Equal((5, 4, 0.4), (metrics.Running, metrics.Waiting, metrics.KvUsage));
        Assert.Equal((10, 30), (metrics.CachedTokens, metrics.PromptTokens));
    }

    [Fact]
    public void Survives_any_body()
    {
        Mutations.Survives(Encoding.UTF8.GetBytes(Loads), body => SglangLoads.Parse(body));
        Mutations.Survives(Encoding.UTF8.GetBytes(Info), body => SglangServerInfo.Parse(body));
        Mutations.Survives(Encoding.UTF8.GetBytes($"{{{Frame},{Events}}}"), body => SglangServerInfo.Parse(body));
    }

    private static SglangServerInfo? Information(string fields) =>
        SglangServerInfo.Parse(Encoding.UTF8.GetBytes($"{{{Frame},{fields}}}"));
}
