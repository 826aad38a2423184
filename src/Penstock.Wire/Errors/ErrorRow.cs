using Penstock.Core.Models;
using Penstock.Core.Outcomes;

namespace Penstock.Wire.Errors;

/// <summary>How one kind of failure is told to a caller in each dialect.</summary>
/// <param name="Kind">What went wrong.</param>
/// <param name="AnthropicStatus">HTTP status for Anthropic clients.</param>
/// <param name="AnthropicType"><c>error.type</c> for Anthropic clients.</param>
/// <param name="OpenAiStatus">HTTP status for OpenAI clients.</param>
/// <param name="OpenAiType"><c>error.type</c> for OpenAI clients.</param>
/// <param name="OpenAiCode"><c>error.code</c> for OpenAI clients, where the failure brings none of its own.</param>
/// <param name="Retryable">Whether the same request may succeed later: the value of <c>x-should-retry</c>.</param>
public sealed record ErrorRow(
    FailureKind Kind,
    int AnthropicStatus,
    string AnthropicType,
    int OpenAiStatus,
    string OpenAiType,
    string? OpenAiCode,
    bool Retryable)
{
    /// <summary>The HTTP status in the given dialect.</summary>
    public int StatusIn(Dialect dialect) => dialect == Dialect.Anthropic ? AnthropicStatus : OpenAiStatus;

    /// <summary>The error type in the given dialect.</summary>
    public string TypeIn(Dialect dialect) => dialect == Dialect.Anthropic ? AnthropicType : OpenAiType;
}
