using Penstock.Wire.Prometheus;

namespace Penstock.Wire.LlamaCpp;

/// <summary>
/// What the metrics page of llama-server (<c>--metrics</c>) says about load. Null: not told; the cache usage was
/// removed in newer builds.
/// </summary>
public readonly record struct LlamaCppMetrics
{
    public long? Running { get; private init; }

    /// <summary>Requests that wait for a slot.</summary>
    public long? Deferred { get; private init; }

    /// <summary>0 to 1.</summary>
    public double? KvUsage { get; private init; }

    /// <summary>Prompt tokens computed, cached ones left out.</summary>
    public long? ComputedPromptTokens { get; private init; }

    public long? CachedPromptTokens { get; private init; }

    public long? GenerationTokens { get; private init; }

    /// <summary>The metrics, or null where no line of the page is llama-server's.</summary>
    public static LlamaCppMetrics? Parse(ReadOnlySpan<byte> page)
    {
        var reader = new PrometheusReader(page);
        var metrics = default(LlamaCppMetrics);
        var seen = false;
        while (reader.TryRead(out var sample))
        {
            if (sample.Name.StartsWith("llamacpp:"u8))
            {
                seen = true;
                metrics = metrics.With(sample);
            }
        }

        return seen ? metrics : null;
    }

    private LlamaCppMetrics With(in PrometheusSample sample)
    {
        var count = Gauge.Count(sample.Value);
        return sample.Is("llamacpp:requests_processing"u8) ? this with { Running = count }
            : sample.Is("llamacpp:requests_deferred"u8) ? this with { Deferred = count }
            : sample.Is("llamacpp:kv_cache_usage_ratio"u8) ? this with { KvUsage = Gauge.Share(sample.Value) }
            : sample.Is("llamacpp:prompt_tokens_cached"u8) ? this with { CachedPromptTokens = count }
            : sample.Is("llamacpp:prompt_tokens"u8) ? this with { ComputedPromptTokens = count }
            : sample.Is("llamacpp:tokens_predicted"u8) ? this with { GenerationTokens = count }
            : this;
    }
}
