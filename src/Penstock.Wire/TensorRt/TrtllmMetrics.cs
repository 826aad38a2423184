using Penstock.Wire.Prometheus;

namespace Penstock.Wire.TensorRt;

/// <summary>
/// What <c>GET /prometheus/metrics</c> of trtllm-serve says about load. Null: not told. Names: TensorRT-LLM's
/// <c>metrics/collector.py</c>, with <c>trtllm_</c> or, through some exporters, <c>trtllm:</c> before them.
/// </summary>
public readonly record struct TrtllmMetrics
{
    public long? Running { get; private init; }

    public long? Waiting { get; private init; }

    /// <summary>0 to 1.</summary>
    public double? KvUsage { get; private init; }

    /// <summary>Blocks of the cache on the device.</summary>
    public long? Blocks { get; private init; }

    /// <summary>Tokens of a block.</summary>
    public long? BlockTokens { get; private init; }

    /// <summary>Some of the cache's host tier is in use, so that there is one.</summary>
    public bool HasHostTier { get; private init; }

    public long? PromptTokens { get; private init; }

    public long? CachedTokens { get; private init; }

    public long? GenerationTokens { get; private init; }

    /// <summary>The metrics, or null where no line of the page is trtllm-serve's.</summary>
    public static TrtllmMetrics? Parse(ReadOnlySpan<byte> page)
    {
        var reader = new PrometheusReader(page);
        var metrics = default(TrtllmMetrics);
        var seen = false;
        while (reader.TryRead(out var sample))
        {
            if (sample.Name.StartsWith("trtllm_"u8) || sample.Name.StartsWith("trtllm:"u8))
            {
                seen = true;
                metrics = metrics.With(sample.Name["trtllm_".Length..], sample.Value);
            }
        }

        return seen ? metrics : null;
    }

    private TrtllmMetrics With(ReadOnlySpan<byte> name, double value)
    {
        var count = Gauge.Count(value);
        return Is(name, "num_requests_running"u8) ? this with { Running = Gauge.Sum(Running, count) }
            : Is(name, "num_requests_waiting"u8) ? this with { Waiting = Gauge.Sum(Waiting, count) }
            : Is(name, "kv_cache_utilization"u8) ? this with { KvUsage = Gauge.Max(KvUsage, Gauge.Share(value)) }
            : Is(name, "kv_cache_max_blocks"u8) ? this with { Blocks = Gauge.Sum(Blocks, count) }
            : Is(name, "kv_cache_tokens_per_block"u8) ? this with { BlockTokens = count is > 0 ? count : BlockTokens }
            : Is(name, "kv_cache_host_utilization"u8) ? this with { HasHostTier = HasHostTier || value > 0 }
            : Is(name, "prompt_tokens"u8) ? this with { PromptTokens = Gauge.Sum(PromptTokens, count) }
            : Is(name, "prompt_cached_tokens"u8) ? this with { CachedTokens = Gauge.Sum(CachedTokens, count) }
            : Is(name, "generation_tokens"u8) ? this with { GenerationTokens = Gauge.Sum(GenerationTokens, count) }
            : this;
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted) =>
        name.StartsWith(wanted) && (name.Length == wanted.Length || name[wanted.Length..].SequenceEqual("_total"u8));
}
