using System.Globalization;
using System.Text;

namespace Penstock.Bench.Wire;

/// <summary>
/// What both upstreams say, in the shape of a vLLM 0.20 server with one model: constant answers of about 1.3 KB, and
/// the small endpoints by which a gateway finds out what stands behind a URL.
/// </summary>
internal static class Answers
{
    public const string Model = "bench-model";

    /// <summary>A POST shorter than this is a probe, not a request, and is answered 400.</summary>
    public const int ProbeBytesMax = 100;

    public const string Models =
        """{"object":"list","data":[{"id":"bench-model","object":"model","created":1760000000,"""
        + """ "owned_by":"vllm","root":"bench-model","parent":null,"max_model_len":262144}]}""";

    public const string Version = """{"version":"0.20.0"}""";

    public const string BadRequest =
        """{"type":"error","error":{"type":"invalid_request_error","message":"messages: Field required"}}""";

    public const string NotFound = """{"detail":"Not Found"}""";

    /// <summary>OpenMetrics text with the gauges a router reads.</summary>
    public const string Metrics = """
        # TYPE vllm:num_requests_running gauge
        vllm:num_requests_running{engine="0",model_name="bench-model"} 0.0
        # TYPE vllm:num_requests_waiting gauge
        vllm:num_requests_waiting{engine="0",model_name="bench-model"} 0.0
        # TYPE vllm:kv_cache_usage_perc gauge
        vllm:kv_cache_usage_perc{engine="0",model_name="bench-model"} 0.0
        # TYPE vllm:cache_config_info gauge
        vllm:cache_config_info{block_size="16",enable_prefix_caching="True",engine="0",num_gpu_blocks="32768"} 1.0

        """;

    private const string Paragraph =
        "A reservoir holds water above a valley, and a gate decides how much of it reaches the turbine below. "
        + "Opened too far, the pipe hammers; opened too little, the lights go dim. ";

    /// <summary>Answer to POST /v1/messages.</summary>
    public static string Messages { get; } =
        $$"""{"id":"msg_bench","type":"message","role":"assistant","model":"{{Model}}","""
        + $$""" "content":[{"type":"text","text":"{{Text}}"}],"stop_reason":"end_turn","stop_sequence":null,"""
        + """ "usage":{"input_tokens":24,"cache_creation_input_tokens":0,"""
        + """ "cache_read_input_tokens":0,"output_tokens":246}}""";

    /// <summary>Answer to POST /v1/chat/completions.</summary>
    public static string Chat { get; } =
        $$"""{"id":"chatcmpl-bench","object":"chat.completion","created":1760000000,"model":"{{Model}}","""
        + $$""" "choices":[{"index":0,"message":{"role":"assistant","content":"{{Text}}","tool_calls":[]},"""
        + """ "logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":24,"total_tokens":270,"""
        + """ "completion_tokens":246,"prompt_tokens_details":{"cached_tokens":0}}}""";

    /// <summary>
    /// The same page with the histograms that vLLM keeps besides: thirty of them with twenty-four buckets each, about
    /// 80 KB in all.
    /// </summary>
    public static string FullMetrics { get; } = Metrics + string.Concat(Enumerable.Range(0, 30).Select(Histogram));

    public static byte[] MessagesBytes { get; } = Encoding.UTF8.GetBytes(Messages);

    private static string Histogram(int number)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"vllm:request_stage_{number}_time_seconds");
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"# HELP {name} Histogram of time spent in one stage.\n");
        page.Append(CultureInfo.InvariantCulture, $"# TYPE {name} histogram\n");
        for (var i = 0; i < 24; i++)
        {
            var labels = string.Create(CultureInfo.InvariantCulture, $"engine=\"0\",le=\"{i * 0.25}\",model_name=\"{Model}\"");
            page.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels}}} {1000 + (i * 37)}.0\n");
        }

        page.Append(CultureInfo.InvariantCulture, $"{name}_count{{engine=\"0\",model_name=\"{Model}\"}} 1888.0\n");
        return page.Append(CultureInfo.InvariantCulture, $"{name}_sum{{engine=\"0\",model_name=\"{Model}\"}} 3141.59\n")
            .ToString();
    }

    private static string Text => string.Concat(Enumerable.Repeat(Paragraph, 6)).TrimEnd();
}
