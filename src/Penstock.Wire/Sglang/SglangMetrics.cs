using Penstock.Wire.Prometheus;

namespace Penstock.Wire.Sglang;

/// <summary>
/// What the metrics page of an SGLang server (<c>--enable-metrics</c>) says about load, summed over ranks; the cache
/// usage is that of the fullest. Null: not told.
/// </summary>
public readonly record struct SglangMetrics
{
    public long? Running { get; private init; }

    public long? Waiting { get; private init; }

    /// <summary>0 to 1.</summary>
    public double? KvUsage { get; private init; }

    public long? UsedTokens { get; private init; }

    public long? KvTokens { get; private init; }

    public long? PromptTokens { get; private init; }

    public long? CachedTokens { get; private init; }

    public long? GenerationTokens { get; private init; }

    /// <summary>The metrics, or null where no line of the page is SGLang's.</summary>
    public static SglangMetrics? Parse(ReadOnlySpan<byte> page)
    {
        var reader = new PrometheusReader(page);
        var metrics = default(SglangMetrics);
        var seen = false;
        while (reader.TryRead(out var sample))
        {
            if (sample.Name.StartsWith("sglang:"u8))
            {
                seen = true;
                metrics = metrics.With(sample);
            }
        }

        return seen ? metrics : null;
    }

    private SglangMetrics With(in PrometheusSample sample)
    {
        var count = Gauge.Count(sample.Value);
        return sample.Is("sglang:num_running_reqs"u8) ? this with { Running = Gauge.Sum(Running, count) }
            : sample.Is("sglang:num_queue_reqs"u8) ? this with { Waiting = Gauge.Sum(Waiting, count) }
            : sample.Is("sglang:token_usage"u8)
                ? this with { KvUsage = Gauge.Max(KvUsage, Gauge.Share(sample.Value)) }
            : sample.Is("sglang:num_used_tokens"u8) ? this with { UsedTokens = Gauge.Sum(UsedTokens, count) }
            : sample.Is("sglang:max_total_num_tokens"u8) ? this with { KvTokens = Gauge.Sum(KvTokens, count) }
            : sample.Is("sglang:prompt_tokens"u8) ? this with { PromptTokens = Gauge.Sum(PromptTokens, count) }
            : sample.Is("sglang:cached_tokens"u8) ? this with { CachedTokens = Gauge.Sum(CachedTokens, count) }
            : sample.Is("sglang:generation_tokens"u8)
                ? this with { GenerationTokens = Gauge.Sum(GenerationTokens, count) }
            : this;
    }
}
