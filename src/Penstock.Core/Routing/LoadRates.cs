using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>How the rates of a replica follow from what its answers show.</summary>
/// <remarks>
/// An engine computes prompts one after the other, so a request's own prefill took the time from its dispatch, or from
/// the first token before its own where that came later, to its first token (the service time of a queue, seen from its
/// departures). A line through those times over the tokens that were not cached has the rate as its slope and leaves
/// what every request waits for, such as the step under way, out of it. Where all prompts are of one length there is no
/// line, and the time over the tokens has to do. Replicas of a pool are mostly alike: with few points of its own, or
/// old ones, a replica is taken for an average one, so that it is not left alone for a bad start.
/// </remarks>
internal static class LoadRates
{
    /// <summary>Weight of the newest answer in the seconds a token, once there were some.</summary>
    private const double Newest = 0.05;

    // An engine that answers before it computes, or buffers, shows rates that no accelerator has. One such answer must
    // not make it look like one for the next hundred.
    private const double PrefillRateMin = 10;
    private const double PrefillRateMax = 2_000_000;
    private const double SecondsPerTokenMin = 0.000_1;
    private const double SecondsPerTokenMax = 10;

    /// <summary>A prefill that is so many times as fast or slow as expected counts as that, and no more: it takes more
    /// than one to change what is known.</summary>
    private const double Unlikely = 8;

    /// <summary>Seconds that a prefill of any length may take for reasons of its own.</summary>
    private const double StallSeconds = 1;

    /// <summary>What a point keeps of its weight when the next one comes.</summary>
    private const double Kept = 0.99;

    /// <summary>Seconds in which what a replica showed loses most of its weight.</summary>
    private const double Memory = 600;

    /// <summary>Tokens, squared: a prefill that is so much longer than the others weighs as much as the mean of them.
    /// </summary>
    private const double LineStrength = 32_768.0 * 32_768;

    /// <summary>Tokens as which the pool's mean weighs.</summary>
    private const double PoolStrength = 4_096;

    /// <summary>Of the prefill in flight that share at least is taken not to be done.</summary>
    private const double UnfinishedMin = 0.1;

    /// <summary>Seconds over which the rate of sending is averaged.</summary>
    private const double SendingSpan = 5;

    /// <summary>A first token came: the request knows how long its prefill took, and the replica when it was free.
    /// </summary>
    public static void FirstToken(ref ReplicaLoad load, ref TicketTable.InFlight request, Instant now)
    {
        var from = request.DispatchedAt < load.LastFirstTokenAt ? load.LastFirstTokenAt : request.DispatchedAt;
        request.PrefillSeconds = Math.Max(0, (now - from).TotalSeconds);
        load.LastFirstTokenAt = now;
    }

    /// <summary>A first token came from there at another node, or a request was given up there, which frees the engine
    /// as well: what was sent from here waited until then, and did not take that long itself.</summary>
    public static void FirstTokenElsewhere(ref ReplicaLoad load, Instant at) =>
        load.LastFirstTokenAt = at > load.LastFirstTokenAt ? at : load.LastFirstTokenAt;

    /// <summary>A request is known to have had so many tokens that were not cached.</summary>
    public static void Prefilled(
        ref ReplicaLoad load, ref LineFit pool, in TicketTable.InFlight request, long uncached, Instant now)
    {
        var expected = uncached / load.PrefillRate;
        var seconds = Math.Clamp(
            request.PrefillSeconds, expected / Unlikely, (expected * Unlikely) + StallSeconds);
        load.Prefills.Fade(Math.Exp(-Math.Max(0, (now - load.PrefillsAt).TotalSeconds) / Memory));
        load.PrefillsAt = now;
        load.Prefills.Fade(Kept);
        load.Prefills.Add(uncached, seconds);
        pool.Fade(Kept);
        pool.Add(uncached, seconds);
    }

    /// <summary>Works the prefill rate out anew.</summary>
    public static void Refresh(ref ReplicaLoad load, in LineFit pool, Instant now)
    {
        var old = load.Prefills;
        old.Fade(Math.Exp(-Math.Max(0, (now - load.PrefillsAt).TotalSeconds) / Memory));
        var mean = old.Ratio(pool.Ratio(1 / ReplicaLoad.PrefillRateAtFirst, PoolStrength), PoolStrength);
        var each = old.Slope(mean, LineStrength);
        load.PrefillSecondsEach = Math.Clamp(each, 1 / PrefillRateMax, 1 / PrefillRateMin);
        load.PrefillRate = 1 / load.PrefillSecondsEach;
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
            load.SecondsPerToken += Math.Max(Newest, 1.0 / (load.Measured + 1)) * (each - load.SecondsPerToken);
        }
    }

    /// <summary>
    /// Seconds until a replica has computed the uncached tokens that are in flight there. What was computed of the
    /// first of them since the last first token came is not known, but the time is.
    /// </summary>
    public static double QueueSeconds(in ReplicaLoad load, long tokens, Instant now)
    {
        var all = tokens * load.PrefillSecondsEach;
        if (load.Prefilling == 0)
        {
            return all;
        }

        var since = load.PrefillingSince < load.LastFirstTokenAt ? load.LastFirstTokenAt : load.PrefillingSince;
        var own = load.PrefillTokens * load.PrefillSecondsEach;
        var done = Math.Max(0, (now.Nanoseconds - since.Nanoseconds) * 1e-9);
        return all - Math.Min(done, own * (1 - UnfinishedMin));
    }

    /// <summary>So many uncached tokens are sent there now.</summary>
    public static void Sent(ref ReplicaLoad load, long tokens, Instant now)
    {
        if (load.Prefilling == 1)
        {
            load.PrefillingSince = now;
        }

        UntoldTokens.Came(ref load, tokens, now);
        var kept = Math.Exp(-Math.Max(0, (now - load.SentAt).TotalSeconds) / SendingSpan);
        load.SentRate = (load.SentRate * kept) + (tokens / SendingSpan);
        load.SentAt = now;
    }

    /// <summary>The rate of sending at an instant.</summary>
    public static double SentRate(in ReplicaLoad load, Instant now) =>
        load.SentRate * Math.Exp(-Math.Max(0, (now - load.SentAt).TotalSeconds) / SendingSpan);
}
