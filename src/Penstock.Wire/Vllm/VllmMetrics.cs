using System.Buffers.Text;
using Penstock.Wire.Prometheus;

namespace Penstock.Wire.Vllm;

/// <summary>
/// What the metrics page of a vLLM server says about load, summed over its data-parallel ranks and models; the cache
/// usage is that of the fullest rank. Null: not told. Names: vLLM's <c>vllm/v1/metrics</c>, older ones included.
/// </summary>
public readonly record struct VllmMetrics
{
    public long? Running { get; private init; }

    public long? Waiting { get; private init; }

    /// <summary>0 to 1.</summary>
    public double? KvUsage { get; private init; }

    /// <summary>Tokens of a cache block.</summary>
    public long? BlockTokens { get; private init; }

    public long? Blocks { get; private init; }

    public long? PromptTokens { get; private init; }

    public long? GenerationTokens { get; private init; }

    /// <summary>Prompt tokens looked up in the prefix cache, and those found.</summary>
    public long? PrefixQueries { get; private init; }

    public long? PrefixHits { get; private init; }

    public long? Preemptions { get; private init; }

    /// <summary>The metrics, or null where no line of the page is vLLM's.</summary>
    public static VllmMetrics? Parse(ReadOnlySpan<byte> page)
    {
        var reader = new PrometheusReader(page);
        var metrics = default(VllmMetrics);
        var seen = false;
        while (reader.TryRead(out var sample))
        {
            if (sample.Name.StartsWith("vllm:"u8))
            {
                seen = true;
                metrics = metrics.With(sample);
            }
        }

        return seen ? metrics : null;
    }

    private VllmMetrics With(in PrometheusSample sample)
    {
        if (sample.Is("vllm:num_requests_running"u8))
        {
            return this with { Running = Gauge.Sum(Running, Gauge.Count(sample.Value)) };
        }

        if (sample.Is("vllm:num_requests_waiting"u8))
        {
            return this with { Waiting = Gauge.Sum(Waiting, Gauge.Count(sample.Value)) };
        }

        if (sample.Is("vllm:kv_cache_usage_perc"u8) || sample.Is("vllm:gpu_cache_usage_perc"u8))
        {
            return this with { KvUsage = Gauge.Max(KvUsage, Gauge.Share(sample.Value)) };
        }

        if (sample.Is("vllm:cache_config_info"u8))
        {
            return this with
            {
                BlockTokens = BlockTokens ?? NumberIn(sample, "block_size"u8),
                Blocks = Gauge.Sum(Blocks, NumberIn(sample, "num_gpu_blocks"u8)),
            };
        }

        return WithTotals(sample);
    }

    private VllmMetrics WithTotals(in PrometheusSample sample)
    {
        if (sample.Is("vllm:prompt_tokens"u8))
        {
            return this with { PromptTokens = Gauge.Sum(PromptTokens, Gauge.Count(sample.Value)) };
        }

        if (sample.Is("vllm:generation_tokens"u8))
        {
            return this with { GenerationTokens = Gauge.Sum(GenerationTokens, Gauge.Count(sample.Value)) };
        }

        if (sample.Is("vllm:prefix_cache_queries"u8) || sample.Is("vllm:gpu_prefix_cache_queries"u8))
        {
            return this with { PrefixQueries = Gauge.Sum(PrefixQueries, Gauge.Count(sample.Value)) };
        }

        if (sample.Is("vllm:prefix_cache_hits"u8) || sample.Is("vllm:gpu_prefix_cache_hits"u8))
        {
            return this with { PrefixHits = Gauge.Sum(PrefixHits, Gauge.Count(sample.Value)) };
        }

        return sample.Is("vllm:num_preemptions"u8)
            ? this with { Preemptions = Gauge.Sum(Preemptions, Gauge.Count(sample.Value)) }
            : this;
    }

    private static long? NumberIn(in PrometheusSample sample, ReadOnlySpan<byte> label) =>
        sample.TryGetLabel(label, out var text) && Utf8Parser.TryParse(text, out long n, out var used)
            && used == text.Length && n > 0 ? n : null;
}
