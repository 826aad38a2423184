namespace Penstock.Core.Routing;

/// <summary>
/// What is known of one replica: what this node has in flight there (exact), what the engine last reported, and the
/// rates that its answers showed.
/// </summary>
public struct ReplicaLoad
{
    /// <summary>May be chosen: known, healthy or on probation, and not draining.</summary>
    public Ineligible Ineligible;

    /// <summary>Requests that it may have in flight: a few while it is on probation.</summary>
    public int InFlightMax;

    /// <summary>Requests dispatched and not ended.</summary>
    public int InFlight;

    /// <summary>Requests among them whose first token has not come.</summary>
    public int Prefilling;

    /// <summary>Uncached prompt tokens of those.</summary>
    public long PrefillTokens;

    /// <summary>Prompt tokens of requests that are decoding.</summary>
    public long DecodeTokens;

    /// <summary>Requests that the engine serves at the same time; 0 where that is not known.</summary>
    public int Slots;

    /// <summary>Requests that the engine reports as running, from all gateways.</summary>
    public int ReportedRunning;

    /// <summary>Requests that the engine reports as waiting.</summary>
    public int ReportedWaiting;

    /// <summary>Share of the engine's KV cache in use, 0 to 1; NaN where it does not say.</summary>
    public double KvUsage;

    /// <summary>Measured prompt tokens per second, uncached ones only.</summary>
    public double PrefillRate;

    /// <summary>Measured seconds per token of one answer.</summary>
    public double SecondsPerToken;

    /// <summary>Answers that were completed, on which the rates rest.</summary>
    public long Measured;
}
