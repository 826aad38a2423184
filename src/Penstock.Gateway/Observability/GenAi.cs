namespace Penstock.Gateway.Observability;

/// <summary>
/// Names from the OpenTelemetry semantic conventions for generative AI (docs/gen-ai in
/// open-telemetry/semantic-conventions-genai) and, where those refer to them, from the general ones. In one place,
/// because the conventions are still in development and their names move.
/// </summary>
internal static class GenAi
{
    public const string OperationName = "gen_ai.operation.name";
    public const string ProviderName = "gen_ai.provider.name";
    public const string RequestModel = "gen_ai.request.model";
    public const string RequestMaxTokens = "gen_ai.request.max_tokens";
    public const string InputTokens = "gen_ai.usage.input_tokens";
    public const string OutputTokens = "gen_ai.usage.output_tokens";
    public const string CacheReadTokens = "gen_ai.usage.cache_read.input_tokens";
    public const string CacheCreationTokens = "gen_ai.usage.cache_creation.input_tokens";
    public const string TokenType = "gen_ai.token.type";
    public const string ErrorType = "error.type";
    public const string HttpStatus = "http.response.status_code";
    public const string ServerAddress = "server.address";
    public const string ServerPort = "server.port";

    public const string Chat = "chat";

    /// <summary>Not among the convention's well-known operations, which leaves room for others.</summary>
    public const string CountTokens = "count_tokens";

    public const string RequestDuration = "gen_ai.server.request.duration";
    public const string TimeToFirstToken = "gen_ai.server.time_to_first_token";
    public const string TimePerOutputToken = "gen_ai.server.time_per_output_token";
    public const string TokenUsage = "gen_ai.client.token.usage";

    /// <summary>The conventions' bucket bounds for durations, seconds.</summary>
    public static IReadOnlyList<double> DurationBounds { get; } =
        [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    /// <summary>The conventions' bucket bounds for the time to the first token, seconds.</summary>
    public static IReadOnlyList<double> FirstTokenBounds { get; } =
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    /// <summary>The conventions' bucket bounds for the time per token, seconds.</summary>
    public static IReadOnlyList<double> PerTokenBounds { get; } =
        [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];

    /// <summary>The conventions' bucket bounds for token counts: powers of four.</summary>
    public static IReadOnlyList<int> TokenBounds { get; } =
    [
        1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
    ];
}
