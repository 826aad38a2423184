using System.Globalization;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine.Metrics;

/// <summary>
/// The metrics of one simulated engine under vLLM's names, so that whatever reads a vLLM reads this. Times are those of
/// the simulated engine. Not thread-safe: the engine's clock calls it under its lock.
/// </summary>
internal sealed class EngineMetrics
{
    private static readonly double[] TokenTimes =
        [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 10, 20, 40, 80];

    private static readonly double[] FirstTimes =
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640];

    private static readonly double[] RequestTimes =
        [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];

    private readonly Histogram _first = new(
        "vllm:time_to_first_token_seconds", "Time to first token in seconds.", FirstTimes);

    private readonly Histogram _between = new(
        "vllm:inter_token_latency_seconds", "Time between tokens in seconds.", TokenTimes);

    private readonly Histogram _whole = new(
        "vllm:e2e_request_latency_seconds", "Time of whole requests in seconds.", RequestTimes);

    private readonly Histogram _queue = new(
        "vllm:request_queue_time_seconds", "Time spent waiting in seconds.", RequestTimes);

    private readonly Histogram _prefill = new(
        "vllm:request_prefill_time_seconds", "Time from the batch to the first token in seconds.", RequestTimes);

    private readonly Histogram _decode = new(
        "vllm:request_decode_time_seconds", "Time from the first to the last token in seconds.", RequestTimes);

    private long _succeeded;
    private long _aborted;

    public void FirstToken(AnswerFeed feed)
    {
        var scheduled = feed.Scheduled ?? feed.Submitted;
        _first.Observe((feed.FirstToken - feed.Submitted).TotalSeconds);
        _queue.Observe((scheduled - feed.Submitted).TotalSeconds);
        _prefill.Observe((feed.FirstToken - scheduled).TotalSeconds);
    }

    public void Token(TimeSpan sinceLast) => _between.Observe(sinceLast.TotalSeconds);

    public void Finished(AnswerFeed feed, int tokens)
    {
        _succeeded++;
        _whole.Observe((feed.LastToken - feed.Submitted).TotalSeconds);
        if (tokens > 1)
        {
            _decode.Observe((feed.LastToken - feed.FirstToken).TotalSeconds);
        }
    }

    public void Aborted() => _aborted++;

    /// <summary>Everything as Prometheus text.</summary>
    public string Write(string model, EngineProfile profile, in EngineCounters now)
    {
        var text = new PrometheusText(model);
        text.Gauge("vllm:num_requests_running", "Requests in the batch.", now.Running);
        text.Gauge("vllm:num_requests_waiting", "Requests waiting.", now.Waiting);
        text.Gauge("vllm:kv_cache_usage_perc", "KV cache usage; 1 means all of it.", now.KvUsage);
        text.Counter("vllm:prefix_cache_queries", "Tokens looked up in the prefix cache.", now.PrefixQueries);
        text.Counter("vllm:prefix_cache_hits", "Tokens found in the prefix cache.", now.PrefixHits);
        text.Counter("vllm:num_preemptions", "Preemptions.", now.Preemptions);
        text.Counter("vllm:prompt_tokens", "Prompt tokens processed.", now.PromptTokens);
        text.Counter("vllm:generation_tokens", "Tokens generated.", now.GenerationTokens);
        text.Head("vllm:request_success_total", "counter", "Requests ended, by the reason.");
        text.Value("vllm:request_success_total", _succeeded, ",finished_reason=\"stop\"");
        text.Value("vllm:request_success_total", _aborted, ",finished_reason=\"abort\"");
        text.Head("vllm:cache_config_info", "gauge", "The cache configuration.");
        text.Value(
            "vllm:cache_config_info",
            1,
            string.Create(
                CultureInfo.InvariantCulture,
                $",block_size=\"{profile.BlockSize}\",num_gpu_blocks=\"{profile.KvBlocks}\"")
            + ",enable_prefix_caching=\"True\"");
        _first.Write(text);
        _between.Write(text);
        _whole.Write(text);
        _queue.Write(text);
        _prefill.Write(text);
        _decode.Write(text);
        return text.ToString();
    }
}
