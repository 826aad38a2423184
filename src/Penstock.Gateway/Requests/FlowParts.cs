using Penstock.Gateway.Observability;

namespace Penstock.Gateway.Requests;

/// <summary>What the stages of a request share.</summary>
internal sealed record FlowParts
{
    public required TimeProvider Time { get; init; }

    public required int JsonDepthMax { get; init; }

    /// <summary>The secret behind the prefix hashes; see <see cref="CacheScope"/>.</summary>
    public required ulong ScopeSeed { get; init; }

    /// <summary>Asks for the tokens of prompts, where a pool is keyed by them.</summary>
    public required TokenPrompts Prompts { get; init; }

    public required RetryBudget Retries { get; init; }

    public required Dispatch Dispatch { get; init; }

    public required Settlement Settlement { get; init; }

    public required RequestTelemetry Telemetry { get; init; }
}
