using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>How the rates of a replica follow from what its answers show.</summary>
internal static class LoadRates
{
    /// <summary>Weight of the newest measurement.</summary>
    private const double Newest = 0.2;

    // An engine that answers before it computes, or buffers, shows rates that no accelerator has. One such answer must
    // not make it look like one for the next hundred.
    private const double PrefillRateMin = 10;
    private const double PrefillRateMax = 2_000_000;
    private const double SecondsPerTokenMin = 0.000_1;
    private const double SecondsPerTokenMax = 10;

    /// <summary>Prefills below this many tokens say more about the step than about the rate.</summary>
    private const long MeasurablePrefill = 256;

    /// <summary>Seconds over which the rate of sending is averaged.</summary>
    private const double SendingSpan = 5;

    /// <summary>A first token came this long after its request was sent, with that much prefill before it.</summary>
    public static void FirstToken(ref ReplicaLoad load, long prefillAtDispatch, double seconds)
    {
        if (prefillAtDispatch >= MeasurablePrefill && seconds > 0)
        {
            var rate = Math.Clamp(prefillAtDispatch / seconds, PrefillRateMin, PrefillRateMax);
            load.PrefillRate += Newest * (rate - load.PrefillRate);
        }
    }

    /// <summary>An answer of so many tokens has come to its end.</summary>
    public static void Answer(ref ReplicaLoad load, in TicketTable.InFlight request, long tokens, Instant now)
    {
        // An answer that came in one piece took its prefill first, at the rate that streams have shown.
        var seconds = request.FirstTokenSeen
            ? (now - request.FirstTokenAt).TotalSeconds
            : (now - request.DispatchedAt).TotalSeconds - (request.PrefillAtDispatch / load.PrefillRate);
        if (tokens >= 8 && seconds > 0)
        {
            var each = Math.Clamp(seconds / (tokens - 1), SecondsPerTokenMin, SecondsPerTokenMax);
            load.SecondsPerToken += Newest * (each - load.SecondsPerToken);
        }
    }

    /// <summary>So many uncached tokens are sent there now.</summary>
    public static void Sent(ref ReplicaLoad load, long tokens, Instant now)
    {
        var kept = Math.Exp(-Math.Max(0, (now - load.SentAt).TotalSeconds) / SendingSpan);
        load.SentRate = (load.SentRate * kept) + (tokens / SendingSpan);
        load.SentAt = now;
    }

    /// <summary>The rate of sending at an instant.</summary>
    public static double SentRate(in ReplicaLoad load, Instant now) =>
        load.SentRate * Math.Exp(-Math.Max(0, (now - load.SentAt).TotalSeconds) / SendingSpan);
}
