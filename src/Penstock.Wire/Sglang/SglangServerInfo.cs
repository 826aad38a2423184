using System.Text.Json;
using Penstock.Wire.ModelLists;

namespace Penstock.Wire.Sglang;

/// <summary>
/// The answer of SGLang's <c>GET /server_info</c> (older: <c>/get_server_info</c>): the arguments it was started with
/// and what its scheduler made of them, in one flat object. Null: not told.
/// </summary>
public sealed record SglangServerInfo
{
    private static readonly string[] Marks =
    [
        "page_size", "mem_fraction_static", "schedule_policy", "disaggregation_mode", "max_total_num_tokens", "tp_size",
    ];

    public string? Version { get; private init; }

    public string? ServedModelName { get; private init; }

    /// <summary>Tokens of a cache page; often 1.</summary>
    public long? PageTokens { get; private init; }

    /// <summary>Tokens that the cache holds.</summary>
    public long? KvTokens { get; private init; }

    public long? ContextTokens { get; private init; }

    public long? RunningMax { get; private init; }

    /// <summary><c>null</c>, <c>prefill</c> or <c>decode</c>.</summary>
    public string? DisaggregationMode { get; private init; }

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
        return new SglangServerInfo
        {
            Version = root.Text("version"),
            ServedModelName = root.Text("served_model_name") ?? root.Text("model_path"),
            PageTokens = root.Count("page_size"),
            KvTokens = root.Count("max_total_num_tokens") ?? Capacity(state),
            ContextTokens = root.Count("context_length") ?? root.Count("max_req_input_len"),
            RunningMax = root.Count("max_running_requests"),
            DisaggregationMode = root.Text("disaggregation_mode"),
            MetricsEnabled = root.Flag("enable_metrics") ?? false,
            CacheReportEnabled = root.Flag("enable_cache_report") ?? false,
        };
    }

    private static long? Capacity(JsonElement state) =>
        state.Count("max_total_num_tokens") ?? state.Field("memory_usage")?.Count("token_capacity");
}
