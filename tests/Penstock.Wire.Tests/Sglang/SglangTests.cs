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
    }
}
