using Penstock.Core.Primitives;

namespace Penstock.Simulator.Faults;

/// <summary>How an engine misbehaves. Rates are shares, 0 to 1; the default misbehaves never.</summary>
public sealed record EngineFaults
{
    /// <summary>Steps take this many times as long.</summary>
    public double LatencyFactor { get; init; } = 1;

    /// <summary>Requests answered with an internal error before anything else.</summary>
    public double ErrorRate { get; init; }

    /// <summary>Requests that fall silent once, before some token.</summary>
    public double StallRate { get; init; }

    /// <summary>Seconds of that silence.</summary>
    public double StallSeconds { get; init; } = 30;

    /// <summary>Requests whose connection is cut after some token.</summary>
    public double DieRate { get; init; }

    /// <summary>
    /// The token after which they are cut; null draws one. Without a rate it holds for every request.
    /// </summary>
    public int? DieAfterTokens { get; init; }

    /// <summary>Batches of cache events that are published and never arrive.</summary>
    public double EventLossRate { get; init; }

    /// <summary>Batches of cache events that the next one overtakes.</summary>
    public double EventReorderRate { get; init; }

    /// <summary>Seconds by which cache events are late.</summary>
    public double EventDelaySeconds { get; init; }

    /// <summary>Everything that is wrong; empty where it can be used.</summary>
    public IReadOnlyList<string> Errors()
    {
        List<string> errors = [];
        if (LatencyFactor is not (> 0 and <= 1e6))
        {
            errors.Add("latency_factor must be above 0 and at most 1000000");
        }

        if (StallSeconds is not (>= 0 and <= 86_400))
        {
            errors.Add("stall_seconds must be from 0 to 86400");
        }

        if (EventDelaySeconds is not (>= 0 and <= 86_400))
        {
            errors.Add("event_delay_seconds must be from 0 to 86400");
        }

        if (DieAfterTokens < 0)
        {
            errors.Add("die_after_tokens must not be negative");
        }

        foreach (var (name, rate) in new[]
        {
            ("error_rate", ErrorRate), ("stall_rate", StallRate), ("die_rate", DieRate),
            ("event_loss_rate", EventLossRate), ("event_reorder_rate", EventReorderRate),
        })
        {
            if (rate is not (>= 0 and <= 1))
            {
                errors.Add($"{name} must be from 0 to 1");
            }
        }

        return errors;
    }

    /// <summary>What befalls one request that would produce <paramref name="tokens"/> tokens.</summary>
    public RequestFate Draw(int tokens, ref Rng rng)
    {
        // Every request draws the same number of times, so that one switch does not change what another one hits.
        var fails = rng.NextDouble() < ErrorRate;
        var stalls = rng.NextDouble() < StallRate;
        var dies = rng.NextDouble() < (DieRate == 0 && DieAfterTokens is not null ? 1 : DieRate);
        var stallAt = rng.NextInt32(tokens);
        var dieAt = rng.NextInt32(tokens);
        return new RequestFate(
            fails,
            stalls ? stallAt : null,
            dies ? DieAfterTokens ?? dieAt : null);
    }
}

/// <summary>What befalls one request.</summary>
/// <param name="Fails">It is answered with an internal error.</param>
/// <param name="StallsAfter">It falls silent once that many tokens are out.</param>
/// <param name="DiesAfter">Its connection is cut once that many tokens are out.</param>
public readonly record struct RequestFate(bool Fails, int? StallsAfter, int? DiesAfter);
