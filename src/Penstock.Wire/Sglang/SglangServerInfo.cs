using System.Text.Json;
using Penstock.Wire.ModelLists;
using Penstock.Wire.Prometheus;

namespace Penstock.Wire.Sglang;

/// <summary>
/// The answer of SGLang's <c>GET /server_info</c> (older: <c>/get_server_info</c>): the arguments it was started with
/// and what its scheduler made of them, in one flat object. Null: not told.
/// </summary>
public sealed record SglangServerInfo
{
    private const int RanksMax = 1024;

    private static readonly string[] Marks =
    [
        "page_size", "mem_fraction_static", "schedule_policy", "disaggregation_mode", "max_total_num_tokens", "tp_size",
    ];

    public string? Version { get; private init; }

    public string? ServedModelName { get; private init; }

    /// <summary>Tokens of a cache page; often 1.</summary>
    public long? PageTokens { get; private init; }

    /// <summary>Tokens that the cache of one data-parallel rank holds.</summary>
    public long? KvTokens { get; private init; }

    public long? ContextTokens { get; private init; }

    public long? RunningMax { get; private init; }

    /// <summary><c>null</c>, <c>prefill</c> or <c>decode</c>.</summary>
    public string? DisaggregationMode { get; private init; }

    /// <summary>Data-parallel ranks behind the one address, each with a cache of its own.</summary>
    public long Ranks { get; private init; }

    /// <summary>It was started without the radix cache: no request finds anything of another.</summary>
    public bool RadixCacheOff { get; private init; }

    /// <summary>What leaves the device goes to host memory (HiCache).</summary>
    public bool HasHostTier { get; private init; }

    /// <summary>Tokens that the host tier of one rank holds.</summary>
    public long? HostTokens { get; private init; }

    /// <summary>What leaves the host goes to a storage backend.</summary>
    public bool HasStorageTier { get; private init; }

    /// <summary>Where it publishes the events of its cache; null: nowhere.</summary>
    public SglangKvEvents? KvEvents { get; private init; }

    public bool MetricsEnabled { get; private init; }

    /// <summary>Answers say how many prompt tokens came from the cache.</summary>
    public bool CacheReportEnabled { get; private init; }

    /// <summary>The information, or null where fewer than three of SGLang's own fields are there.</summary>
    public static SglangServerInfo? Parse(ReadOnlyMemory<byte> body)
    {
        using var document = LenientJson.TryParse(body);
        if (document is null || Marks.Count(m => document.RootElement.Field(m) is not null) < 3)
        {
            return null;
        }

        var root = document.RootElement;
        var state = LenientJson.Items(root.Field("internal_states"), 1).FirstOrDefault();
        var tokens = root.Count("max_total_num_tokens") ?? Capacity(state);
        var hierarchical = root.Flag("enable_hierarchical_cache") ?? false;
        return new SglangServerInfo
        {
            Version = root.Text("version"),
            ServedModelName = root.Text("served_model_name") ?? root.Text("model_path"),
            PageTokens = root.Count("page_size"),
            KvTokens = tokens,
            Ranks = root.Count("dp_size") is > 0 and <= RanksMax and { } ranks ? ranks : 1,
            RadixCacheOff = root.Flag("disable_radix_cache") ?? false,
            HasHostTier = hierarchical,
            HostTokens = hierarchical ? HostCapacity(root, state, tokens) : null,
            HasStorageTier = hierarchical && root.Text("hicache_storage_backend") is { Length: > 0 },
            KvEvents = SglangKvEvents.Read(root),
            ContextTokens = root.Count("context_length") ?? root.Count("max_req_input_len"),
            RunningMax = root.Count("max_running_requests"),
            DisaggregationMode = root.Text("disaggregation_mode"),
            MetricsEnabled = root.Flag("enable_metrics") ?? false,
            CacheReportEnabled = root.Flag("enable_cache_report") ?? false,
        };
    }

    private static long? Capacity(JsonElement state) =>
        state.Count("max_total_num_tokens") ?? state.Field("memory_usage")?.Count("token_capacity");

    /// <summary>
    /// The host tier is given in GB a rank (<c>hicache_size</c>), of which as many tokens fit as its size is to that
    /// of the device's cache, or else as a multiple of the device's tokens (<c>hicache_ratio</c>).
    /// </summary>
    private static long? HostCapacity(JsonElement root, JsonElement state, long? tokens)
    {
        var gigabytes = root.Number("hicache_size") ?? 0;
        var device = state.Field("memory_usage")?.Number("kvcache");
        var ratio = gigabytes <= 0 ? root.Number("hicache_ratio") : gigabytes / device;
        return tokens is { } own && ratio > 0 ? Gauge.Count(own * ratio.Value) : null;
    }
}
