using Penstock.Core.Models;
using Penstock.Core.Outcomes;

namespace Penstock.Wire.Errors;

/// <summary>How one kind of failure is told to a caller in each dialect.</summary>
/// <param name="Kind">What went wrong.</param>
/// <param name="Anthropic">To Anthropic clients.</param>
/// <param name="OpenAi">To OpenAI clients; its code is for failures that bring none of their own.</param>
/// <param name="Retryable">Whether the same request may succeed later.</param>
public sealed record ErrorRow(FailureKind Kind, ErrorWire Anthropic, ErrorWire OpenAi, bool Retryable)
{
    /// <summary>How it is told in the given dialect.</summary>
    public ErrorWire In(Dialect dialect) => dialect == Dialect.Anthropic ? Anthropic : OpenAi;
}

/// <summary>A failure in one dialect.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Type"><c>error.type</c>.</param>
/// <param name="Code"><c>error.code</c>, in the dialect that has one.</param>
public sealed record ErrorWire(int Status, string Type, string? Code = null);
