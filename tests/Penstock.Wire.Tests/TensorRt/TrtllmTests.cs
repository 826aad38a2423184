using System.Text;
using Penstock.Wire.TensorRt;

namespace Penstock.Wire.Tests.TensorRt;

public class TrtllmTests
{
    private const string Page = """
        # TYPE trtllm_num_requests_running gauge
        trtllm_num_requests_running{model_name="m",engine_type="trtllm"} 3.0
        trtllm_num_requests_waiting{model_name="m",engine_type="trtllm"} 5.0
        trtllm_kv_cache_utilization{model_name="m",engine_type="trtllm"} 0.25
        trtllm_kv_cache_host_utilization{model_name="m",engine_type="trtllm"} 0.5
        trtllm_kv_cache_max_blocks{model_name="m",engine_type="trtllm"} 500.0
        trtllm_kv_cache_tokens_per_block{model_name="m",engine_type="trtllm"} 32.0
        trtllm_prompt_tokens_total{model_name="m",engine_type="trtllm"} 1200.0
        trtllm_prompt_cached_tokens_total{model_name="m",engine_type="trtllm"} 600.0
        trtllm_prompt_cached_tokens_per_request_sum{model_name="m",engine_type="trtllm"} 1.0
        trtllm_generation_tokens_total{model_name="m",engine_type="trtllm"} 3400.0
        """;

    private const string Stats = """
        [{"iter":7,"numActiveRequests":9,"numQueuedRequests":9,"kvCacheStats":{"maxNumBlocks":1,"usedNumBlocks":1}},
        {"gpuMemUsage":76665782272,"iter":154,"iterLatencyMS":7.0,"kvCacheStats":{"allocNewBlocks":3126,
        "allocTotalBlocks":3126,"cacheHitRate":0.00128,"freeNumBlocks":75,"maxNumBlocks":100,"missedBlocks":3121,
        "reusedBlocks":4,"tokensPerBlock":32,"usedNumBlocks":25},"numActiveRequests":1,"numQueuedRequests":2,
        "kvCacheIterationStats":{"4096":{"primaryMaxNumBlocks":100,"secondaryMaxNumBlocks":50}}}]
        """;

    private const string Info = """
        {"disaggregated_params":{"server_role":null},"kv_cache_hash_algo":"v1_block_key","tokens_per_block":32,
        "max_batch_size":64}
        """;

    [Fact]
    public void Reads_the_metrics_page()
    {
        var told = TrtllmMetrics.Parse(Encoding.UTF8.GetBytes(Page))!.Value;
        Assert.Equal((3, 5, 0.25), (told.Running, told.Waiting, told.KvUsage));
        Assert.Equal((500, 32, true), (told.Blocks, told.BlockTokens, told.HasHostTier));
        Assert.Equal((1200, 600, 3400), (told.PromptTokens, told.CachedTokens, told.GenerationTokens));
        Assert.Null(TrtllmMetrics.Parse("vllm:num_requests_running 1"u8));
    }

    [Fact]
    public void The_newest_iteration_counts()
    {
        var told = TrtllmIterationStats.Parse(Encoding.UTF8.GetBytes(Stats))!.Value;
        Assert.Equal((1, 2, 0.25), (told.Running, told.Waiting, told.KvUsage));
        Assert.Equal((100, 32, 50), (told.Blocks, told.BlockTokens, told.HostBlocks));
    }

    [Fact]
    public void An_iteration_may_be_told_as_a_string_of_JSON()
    {
        var told = TrtllmIterationStats.Parse("""["{\"iter\":3,\"numActiveRequests\":4}"]"""u8.ToArray());
        Assert.Equal(4, told!.Value.Running);
    }

    [Fact]
    public void An_empty_list_says_that_the_page_is_there_and_nothing_about_load()
    {
        var body = "[]"u8.ToArray();
        Assert.True(TrtllmIterationStats.IsList(body));
        Assert.Null(TrtllmIterationStats.Parse(body));
        Assert.False(TrtllmIterationStats.IsList("vllm:num_requests_running 1"u8.ToArray()));
    }

    [Fact]
    public void Reads_what_the_server_says_of_itself()
    {
        var info = TrtllmServerInfo.Parse(Encoding.UTF8.GetBytes(Info))!;
        Assert.Equal(("v1_block_key", 32, 64), (info.HashAlgorithm, info.BlockTokens, info.RunningMax));
        Assert.Null(TrtllmServerInfo.Parse("""{"page_size":64,"tp_size":2,"schedule_policy":"lpm"}"""u8.ToArray()));
    }

    [Fact]
    public void Survives_any_body()
    {
        Mutations.Survives(Encoding.UTF8.GetBytes(Stats), body => TrtllmIterationStats.Parse(body));
        Mutations.Survives(Encoding.UTF8.GetBytes(Info), body => TrtllmServerInfo.Parse(body));
        Mutations.Survives(Encoding.UTF8.GetBytes(Page), body => TrtllmMetrics.Parse(body));
    }
}
