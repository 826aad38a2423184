using System.Runtime.CompilerServices;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>How the rates of a replica follow from what its answers show.</summary>
/// <remarks>
/// A request waits for the prefill that is ahead of it at its replica and for its own, so a line through the times to
/// first tokens, over the tokens of both, has the time of a token as its slope and what every request waits for, such
/// as the step under way, as its height at zero. Waits for less than a step weigh little, and those in long lines
/// nothing: most of them is no prefill. The line is the whole pool's: a replica differs from it by its
/// <see cref="ReplicaPace"/>. Times are taken from the dispatch and not from the first token before, since first tokens
/// that are heard of in bunches leave nothing between them.
/// </remarks>
internal static class LoadRates
{
    /// <summary>Weight of the newest answer in the seconds a token, once there were some.</summary>
    private const double Newest = 0.05;

    /// <summary>Weight of the newest first token in the seconds between two.</summary>
    private const double NewestGap = 0.1;

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

    /// <summary>What a point of the pool keeps of its weight when the next one comes.</summary>
    private const double Kept = 0.998;

    /// <summary>Tokens, squared: a prefill that is so much longer than the others weighs as much as the mean of them.
    /// </summary>
    private const double LineStrength = 32_768.0 * 32_768;

    /// <summary>Tokens as which what is assumed at first weighs.</summary>
    private const double FirstStrength = 4_096;

    /// <summary>Tokens of prefill that fill a step, as most engines are configured; fewer are lost among what else is
    /// in one.</summary>
    private const double FullStep = 8_192;

    /// <summary>Requests that may have been ahead of one that says something of the rate. What waits in a longer line
    /// waits for more than prefill, a place among those that are decoded for one.</summary>
    private const int AheadMax = 2;

    /// <summary>Full weights of points of a pool before one is held to be unlikely.</summary>
    private const double PointsMin = 8;

    /// <summary>Of the prefill in flight that share at least is taken not to be done.</summary>
    private const double UnfinishedMin = 0.1;

    /// <summary>Replicas whose rates are worked out with every answer.</summary>
    private const int RefreshedMax = 16;

    /// <summary>Seconds over which the rate of sending is averaged.</summary>
    private const double SendingSpan = 5;

    /// <summary>A first token came.</summary>
    public static void FirstToken(ref ReplicaLoad load, Instant now)
    {
        Moved(ref load, now);
        load.LastFirstTokenAt = now;
    }

    /// <summary>An answer in one piece has come. That its first token came long before is known already where it counts
    /// as decoding; that the engine has moved on is news.</summary>
    public static void WholeAnswer(ref ReplicaLoad load, bool isDecoding, Instant now)
    {
        if (!isDecoding)
        {
            FirstToken(ref load, now);
        }
        else if (load.Prefilling > 0)
        {
            Moved(ref load, now);
        }
    }

    /// <summary>A first token of which nobody tells was due.</summary>
    public static void FirstTokenAssumed(ref ReplicaLoad load, long microseconds)
    {
        var due = new Instant(microseconds * 1_000);
        load.LastFirstTokenAt = due > load.LastFirstTokenAt ? due : load.LastFirstTokenAt;
    }

    /// <summary>A first token came from there at another node, or a request was given up there, which frees the engine
    /// as well: what is in flight from here was not computed before that.</summary>
    public static void FirstTokenElsewhere(ref ReplicaLoad load, Instant at)
    {
        load.LastFirstTokenAt = at > load.LastFirstTokenAt ? at : load.LastFirstTokenAt;
        load.LastMovedAt = at > load.LastMovedAt ? at : load.LastMovedAt;
    }

    /// <summary>A request is known to have had so many tokens that were not cached.</summary>
    public static void Prefilled(
        ref ReplicaLoad load, ref LineFit pool, in TicketTable.InFlight request, long uncached, Instant now)
    {
        var work = request.AheadTokens + uncached;
        if (request.AheadRequests > AheadMax || work < 0 || uncached > PlausibleReport.Telling(in request))
        {
            return;
        }

        var share = work / (work + FullStep);
        var tells = share * share;
        var seconds = Math.Max(0, (request.FirstTokenAt - request.DispatchedAt).TotalSeconds);
        if (pool.Weight >= PointsMin)
        {
            var line = Line(in pool);
            var each = load.Pace.Each(line.Each, load.PrefillsAt, now);
            var expected = line.AtZero + (each * work);
            seconds = Math.Clamp(seconds, expected / Unlikely, (expected * Unlikely) + StallSeconds);
            load.Pace.See(expected > 0 ? each * seconds / expected : each, tells, load.PrefillsAt, now);
            load.PrefillsAt = now;
        }

        pool.Fade(1 - ((1 - Kept) * tells));
        pool.Add(work, seconds, tells);
    }

    /// <summary>Works the rates out anew, of some replicas each time: a pool of hundreds has no time for all.
    /// </summary>
    public static void Refresh(
        Span<ReplicaLoad> loads, ref int next, in LineFit pool, in LineFit decodes, Instant now)
    {
        var line = Line(in pool);
        var decoding = DecodeRates.Line(in decodes);
        for (var count = Math.Min(RefreshedMax, loads.Length); count > 0; count--)
        {
            next = next + 1 < loads.Length ? next + 1 : 0;
            ref var load = ref loads[next];
            var each = load.Pace.Each(line.Each, load.PrefillsAt, now);
            load.PrefillSecondsEach = Math.Clamp(each, 1 / PrefillRateMax, 1 / PrefillRateMin);
            load.PrefillRate = 1 / load.PrefillSecondsEach;
            DecodeRates.Refresh(ref load, in decoding, now);
        }
    }

    /// <summary>Seconds that so many tokens of prefill are expected to take, those ahead among them.</summary>
    public static double ExpectedSeconds(in ReplicaLoad load, in LineFit pool, double work) =>
        Line(in pool).AtZero + (load.PrefillSecondsEach * Math.Max(0, work));

    private static (double AtZero, double Each) Line(in LineFit pool)
    {
        var ratio = pool.Ratio(1 / ReplicaLoad.PrefillRateAtFirst, FirstStrength);
        var each = Math.Clamp(pool.Slope(ratio, LineStrength), 1 / PrefillRateMax, 1 / PrefillRateMin);
        return (pool.AtZero(each), each);
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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double QueueSeconds(in ReplicaLoad load, long tokens, Instant now)
    {
        var all = tokens * load.PrefillSecondsEach;
        if (load.Prefilling == 0)
        {
            return all;
        }

        var own = load.PrefillTokens * load.PrefillSecondsEach;
        var done = SinceFirstToken(in load, now);
        return all - Math.Min(done, own * (1 - UnfinishedMin));
    }

    /// <summary>Tokens of prefill that are to be computed at a replica before those of a request that comes now.
    /// </summary>
    public static double Ahead(in ReplicaLoad load, in PeerShare peers, Instant now) =>
        QueueSeconds(in load, load.PrefillTokens + peers.PrefillTokens, now) / load.PrefillSecondsEach;

    /// <summary>When the first token of a request is expected that is sent now, with so many tokens of prefill before
    /// it and its own; in microseconds.</summary>
    public static long Due(in ReplicaLoad load, in LineFit pool, double work, Instant now) =>
        (now.Nanoseconds / 1_000) + (long)(1e6 * (Line(in pool).AtZero + (load.PrefillSecondsEach * work)));

    /// <summary>
    /// Seconds by which first tokens that have not come are late: the line there moves slower than its tokens say, for
    /// want of a place among those that are decoded, or because the engine stands still. Twice their mean, since the
    /// last that joined a line of equals are not late yet and the first are the most; and no more than the line takes
    /// at the pace of first tokens there, since one request may be late for reasons of its own. Answers in one piece
    /// are no part of it: of their first tokens nothing is known.
    /// </summary>
    public static double OverdueSeconds(in ReplicaLoad load, Instant now)
    {
        var late = load.Awaited == 0
            ? 0
            : (now.Nanoseconds / 1_000.0) - (load.DueMicroseconds / (double)load.Awaited);
        if (late <= 0)
        {
            return 0;
        }

        var pace = Math.Max(load.SecondsPerFirstToken, Since(load.LastMovedAt, in load, now));
        return Math.Min(2e-6 * late, load.Awaited * pace);
    }

    private static void Moved(ref ReplicaLoad load, Instant now)
    {
        var gap = Since(load.LastMovedAt, in load, now);
        load.SecondsPerFirstToken += NewestGap * (gap - load.SecondsPerFirstToken);
        load.LastMovedAt = now;
    }

    /// <summary>Seconds since the last first token, or since there is something to wait for.</summary>
    private static double SinceFirstToken(in ReplicaLoad load, Instant now) =>
        Since(load.LastFirstTokenAt, in load, now);

    private static double Since(Instant last, in ReplicaLoad load, Instant now)
    {
        var since = load.PrefillingSince < last ? last : load.PrefillingSince;
        return Math.Max(0, (now.Nanoseconds - since.Nanoseconds) * 1e-9);
    }

    /// <summary>So many uncached tokens are sent there now.</summary>
    public static void Sent(ref ReplicaLoad load, long tokens, Instant now)
    {
        load.Prefilling++;
        load.DispatchedSince++;
        load.PrefillTokens += tokens;
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
