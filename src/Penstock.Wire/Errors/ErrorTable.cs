using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Core.Primitives;

namespace Penstock.Wire.Errors;

/// <summary>
/// The one table from failure to HTTP status, error type and retry advice, for every dialect. The documentation is
/// printed from it (<see cref="ToMarkdown"/>). Sources: the error tables of the Anthropic and OpenAI API references;
/// a spent budget answers as Anthropic's own gateway does (429, <c>billing_error</c>, no retry).
/// </summary>
public static class ErrorTable
{
    private const string Invalid = "invalid_request_error";
    private const string Server = "server_error";

    /// <summary>One row for each <see cref="FailureKind"/>, in the order of the enum.</summary>
    public static ImmutableArray<ErrorRow> Rows { get; } =
    [
        new(FailureKind.InvalidRequest, new(400, Invalid), new(400, Invalid), false),
        new(FailureKind.Unauthenticated,
            new(401, "authentication_error"), new(401, "authentication_error", "invalid_api_key"), false),
        new(FailureKind.PermissionDenied, new(403, "permission_error"), new(403, "permission_error"), false),
        new(FailureKind.NotFound, new(404, "not_found_error"), new(404, "not_found"), false),
        new(FailureKind.ModelNotFound, new(404, "not_found_error"), new(404, "not_found", "model_not_found"), false),
        new(FailureKind.MethodNotAllowed, new(405, Invalid), new(405, Invalid, "method_not_allowed"), false),
        new(FailureKind.TooLarge, new(413, "request_too_large"), new(413, Invalid, "request_too_large"), false),
        new(FailureKind.RateLimited,
            new(429, "rate_limit_error"), new(429, "rate_limit_error", "rate_limit_exceeded"), true),
        new(FailureKind.BudgetExceeded,
            new(429, "billing_error"), new(429, "insufficient_quota", "insufficient_quota"), false),
        new(FailureKind.Overloaded, new(529, "overloaded_error"), new(503, Server, "overloaded"), true),
        new(FailureKind.EngineFailed, new(500, "api_error"), new(500, Server, "engine_failed"), true),
        new(FailureKind.EngineTimeout, new(504, "timeout_error"), new(504, Server, "engine_timeout"), true),
        new(FailureKind.NotSupported, new(400, Invalid), new(400, Invalid, "not_supported"), false),
        new(FailureKind.ClientClosed, new(499, "api_error"), new(499, Server, "client_closed"), false),
        new(FailureKind.Draining, new(529, "overloaded_error"), new(503, Server, "draining"), true),
        new(FailureKind.Internal, new(500, "api_error"), new(500, Server, "internal"), true),
    ];

    /// <summary>The row of the given kind.</summary>
    public static ErrorRow Of(FailureKind kind)
    {
        var row = Rows[(int)kind];
        Check.That(row.Kind == kind);
        return row;
    }

    /// <summary>The HTTP status of the given kind in the given dialect.</summary>
    public static int StatusOf(Dialect dialect, FailureKind kind) => Of(kind).In(dialect).Status;

    /// <summary>Whether the same request may succeed later.</summary>
    public static bool IsRetryable(FailureKind kind) => Of(kind).Retryable;

    /// <summary>
    /// The kind that an error type met in a stream stands for, where no HTTP status says it. Both dialects' types.
    /// </summary>
    public static FailureKind KindOfType(ReadOnlySpan<byte> type)
    {
        if (type.SequenceEqual("overloaded_error"u8))
        {
            return FailureKind.Overloaded;
        }

        if (type.SequenceEqual("rate_limit_error"u8))
        {
            return FailureKind.RateLimited;
        }

        if (type.SequenceEqual("invalid_request_error"u8) || type.SequenceEqual("BadRequestError"u8))
        {
            return FailureKind.InvalidRequest;
        }

        if (type.SequenceEqual("request_too_large"u8))
        {
            return FailureKind.TooLarge;
        }

        return type.SequenceEqual("timeout_error"u8) ? FailureKind.EngineTimeout : FailureKind.EngineFailed;
    }

    /// <summary>The table as Markdown, for the documentation.</summary>
    public static string ToMarkdown()
    {
        var text = new StringBuilder()
            .AppendLine("| failure | Anthropic | type | OpenAI | type | code | retry |")
            .AppendLine("|---|---|---|---|---|---|---|");
        foreach (var row in Rows)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {row.Kind} | {row.Anthropic.Status} | `{row.Anthropic.Type}` | {row.OpenAi.Status} "
                + $"| `{row.OpenAi.Type}` | {(row.OpenAi.Code is null ? "" : $"`{row.OpenAi.Code}`")} "
                + $"| {(row.Retryable ? "yes" : "no")} |");
        }

        return text.ToString();
    }
}
