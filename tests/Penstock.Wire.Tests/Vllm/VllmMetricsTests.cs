using System.Text;
using Penstock.Wire.Vllm;

namespace Penstock.Wire.Tests.Vllm;

public class VllmMetricsTests
{
    private const string Page = """
        # HELP vllm:num_requests_running Number of requests in model execution batches.
        # TYPE vllm:num_requests_running gauge
        vllm:num_requests_running{engine="0",model_name="m"} 3.0
        vllm:num_requests_running{engine="1",model_name="m"} 4.0
        vllm:num_requests_waiting{engine="0",model_name="m"} 1.0
        vllm:num_requests_waiting{engine="1",model_name="m"} 0.0
        vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 99.0
        vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
        vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.75
        vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="0",num_gpu_blocks="1000"} 1.0
        vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="1",num_gpu_blocks="1000"} 1.0
        vllm:prompt_tokens_total{engine="0",model_name="m"} 1.2e+06
        vllm:generation_tokens_total{engine="0",model_name="m"} 5000.0
        vllm:prefix_cache_queries_total{engine="0"} 800.0
        vllm:prefix_cache_hits_total{engine="0"} 200.0
        vllm:num_preemptions_total{engine="0"} 2.0
        process_resident_memory_bytes 1e9
        """;

    [Fact]
    public void Adds_up_the_ranks_and_takes_the_fullest_cache()
    {
        var metrics = VllmMetrics.Parse(Encoding.UTF8.GetBytes(Page))!.Value;
        Assert.Equal((7, 1), (metrics.Running, metrics.Waiting));
        Assert.Equal(0.75, metrics.KvUsage);
        Assert.Equal((16, 2000), (metrics.BlockTokens, metrics.Blocks));
        Assert.Equal((1_200_000, 5000), (metrics.PromptTokens, metrics.GenerationTokens));
        Assert.Equal((800, 200, 2), (metrics.PrefixQueries, metrics.PrefixHits, metrics.Preemptions));
    }

    [Fact]
    public void The_cache_of_every_rank_counts()
    {
        var metrics = VllmMetrics.Parse(Encoding.UTF8.GetBytes(Page))!.Value;
        Assert.Equal((32_000, 2), (metrics.KvTokens, metrics.Ranks));
        Assert.False(metrics.PrefixCachingOff || metrics.HasHostTier);
    }

    [Fact]
    public void What_the_engine_says_outright_goes_before_blocks_times_their_size()
    {
        var metrics = VllmMetrics.Parse("""
            vllm:cache_config_info{block_size="16",kv_cache_size_tokens="20000",num_gpu_blocks="1000"} 1.0
            vllm:cache_config_info{block_size="16",num_gpu_blocks="1000",engine="1"} 1.0
            """u8)!.Value;
        Assert.Equal(36_000, metrics.KvTokens);
    }

    [Theory]
    [InlineData("enable_prefix_caching=\"False\",kv_offloading_size=\"None\"", true, false)]
    [InlineData("enable_prefix_caching=\"True\",kv_offloading_size=\"64.0\"", false, true)]
    [InlineData("enable_prefix_caching=\"False\",kv_offloading_size=\"0\"", true, false)]
    [InlineData("kv_cache_memory_bytes=\"None\"", false, false)]
    public void Says_whether_prefixes_are_kept_and_where(string labels, bool off, bool host)
    {
        var metrics = VllmMetrics.Parse(Encoding.UTF8.GetBytes($"vllm:cache_config_info{{{labels}}} 1.0"))!.Value;
        Assert.Equal((off, host), (metrics.PrefixCachingOff, metrics.HasHostTier));
        Assert.Null(metrics.KvTokens);
    }

    [Fact]
    public void Reads_the_names_of_older_versions()
    {
        var metrics = VllmMetrics.Parse("""
            vllm:gpu_cache_usage_perc{model_name="m"} 0.5
            vllm:gpu_prefix_cache_hits_total 7
            vllm:prompt_tokens 9
            """u8)!.Value;
        Assert.Equal((0.5, 7, 9), (metrics.KvUsage, metrics.PrefixHits, metrics.PromptTokens));
        Assert.Null(metrics.Running);
    }

    [Fact]
    public void What_makes_no_sense_is_not_told()
    {
        var metrics = VllmMetrics.Parse("""
            vllm:num_requests_running -1
            vllm:num_requests_waiting NaN
            vllm:kv_cache_usage_perc NaN
            vllm:generation_tokens_total 1e300
            vllm:cache_config_info{block_size="sixteen",num_gpu_blocks="-5"} 1
            """u8)!.Value;
        Assert.Equal(default, metrics);
    }

    [Fact]
    public void A_page_of_something_else_is_none_of_ours() =>
        Assert.Null(VllmMetrics.Parse("llamacpp:requests_processing 1\nvllm 3"u8));

    [Fact]
    public void Survives_any_page() =>
        Mutations.Survives(Encoding.UTF8.GetBytes(Page), page => VllmMetrics.Parse(page));

    [Theory]
    [InlineData("""{"version":"0.24.0"}""", "0.24.0")]
    [InlineData("""{"version":24}""", null)]
    [InlineData("""["0.24.0"]""", null)]
    [InlineData("", null)]
    [InlineData("""{"version":""}""", null)]
    public void Reads_the_version(string body, string? version) =>
        Assert.Equal(version, VllmVersion.Parse(Encoding.UTF8.GetBytes(body)));
}
