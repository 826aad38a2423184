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

    /// <summary>Tokens that the cache holds: what newer engines say outright, else blocks times their size.</summary>
    public long? KvTokens { get; private init; }

    /// <summary>Data-parallel ranks that told their cache; 0: none did.</summary>
    public int Ranks { get; private init; }

    /// <summary>It was started without prefix caching: no request finds anything of another.</summary>
    public bool PrefixCachingOff { get; private init; }

    /// <summary>What leaves the device goes to host memory (<c>kv_offloading_size</c>, told in GiB, not tokens).
    /// </summary>
    public bool HasHostTier { get; private init; }

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

        return sample.Is("vllm:cache_config_info"u8) ? WithCache(sample) : WithTotals(sample);
    }

    /// <summary>One line a rank, with the settings of its cache as labels. A number that is not there yet, or never
    /// will be, is the word <c>None</c>.</summary>
    private VllmMetrics WithCache(in PrometheusSample sample)
    {
        var block = NumberIn(sample, "block_size"u8);
        var blocks = NumberIn(sample, "num_gpu_blocks"u8);
        var tokens = NumberIn(sample, "kv_cache_size_tokens"u8) ?? Gauge.Product(blocks, block);
        return this with
        {
            BlockTokens = BlockTokens ?? block,
            Blocks = Gauge.Sum(Blocks, blocks),
            KvTokens = Gauge.Sum(KvTokens, tokens),
            Ranks = Ranks + (block is null && blocks is null ? 0 : 1),
            PrefixCachingOff = PrefixCachingOff || SaysNo(sample, "enable_prefix_caching"u8),
            HasHostTier = HasHostTier || IsPositive(sample, "kv_offloading_size"u8),
        };
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

    private static bool SaysNo(in PrometheusSample sample, ReadOnlySpan<byte> label) =>
        sample.TryGetLabel(label, out var text) && System.Text.Ascii.EqualsIgnoreCase(text, "false"u8);

    private static bool IsPositive(in PrometheusSample sample, ReadOnlySpan<byte> label) =>
        sample.TryGetLabel(label, out var text) && Utf8Parser.TryParse(text, out double n, out var used)
            && used == text.Length && n > 0;

    private static long? NumberIn(in PrometheusSample sample, ReadOnlySpan<byte> label) =>
        sample.TryGetLabel(label, out var text) && Utf8Parser.TryParse(text, out long n, out var used)
            && used == text.Length && n > 0 ? n : null;
}
