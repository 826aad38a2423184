using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>Seconds a token of an answer, by how many requests are in flight at the replica.</summary>
/// <param name="Alone">With none beside it.</param>
/// <param name="Each">More for each one beside it.</param>
internal readonly record struct DecodeLine(double Alone, double Each);

/// <summary>
/// How long a token of an answer takes, from what answers show. A step takes the longer the more requests are in it, so
/// what an answer will take follows from what runs beside it now and not from what ran beside others: a replica that
/// was crowded and is empty is fast. The line is the whole pool's, as that of <see cref="LoadRates"/> is, and a replica
/// differs from it by its <see cref="ReplicaPace"/>.
/// </summary>
internal static class DecodeRates
{
    /// <summary>Answers of fewer tokens say little.</summary>
    private const int TokensMin = 8;

    private const double SecondsMin = 0.000_1;
    private const double SecondsMax = 10;

    /// <summary>What a point of the pool keeps of its weight when the next one comes.</summary>
    private const double Kept = 0.998;

    /// <summary>What is assumed at first: that so many beside it double the time, with the weight of points so far
    /// apart, squared.</summary>
    private const double DoubledBy = 64;
    private const double SlopeStrength = 256;
    private const double FirstPoints = 2;

    /// <summary>Full weights of points of a pool before one is held to be unlikely, and how unlike the line it may
    /// be.</summary>
    private const double PointsMin = 8;
    private const double Unlikely = 8;

    public static DecodeLine Line(in LineFit pool)
    {
        var mean = pool.Mean(ReplicaLoad.SecondsPerTokenAtFirst, FirstPoints);
        var each = Math.Clamp(pool.Slope(mean / DoubledBy, SlopeStrength), 0, mean);
        var alone = Math.Clamp(mean - (each * pool.Center), mean / Unlikely, Math.Max(mean, SecondsMax));
        return new DecodeLine(alone, each);
    }

    /// <summary>Seconds that an answer is expected to take after its first token.</summary>
    public static double ExpectedSeconds(in ReplicaLoad load, in LineFit pool, long tokens, double beside)
    {
        var line = Line(in pool);
        return Math.Max(0, tokens - 1) * load.DecodeFactor * (line.Alone + (line.Each * beside));
    }

    /// <summary>An answer of so many tokens has come to its end, with so many requests in flight beside it, in the mean
    /// of its first token and its last.</summary>
    public static void Answer(
        ref ReplicaLoad load, ref LineFit pool, in TicketTable.InFlight request, long tokens, double beside,
        Instant now)
    {
        var seconds = (now - request.FirstTokenAt).TotalSeconds;
        if (tokens < TokensMin || seconds <= 0)
        {
            return;
        }

        var line = Line(in pool);
        var each = Math.Clamp(seconds / (tokens - 1), SecondsMin, SecondsMax);
        if (pool.Weight >= PointsMin)
        {
            var expected = line.Alone + (line.Each * beside);
            var pace = load.DecodePace.Each(line.Alone, load.DecodesAt, now) / line.Alone;
            each = Math.Clamp(each, expected * pace / Unlikely, expected * pace * Unlikely);
            each = Math.Min(each, SecondsMax);
            load.DecodePace.See(line.Alone * each / expected, 1, load.DecodesAt, now);
            load.DecodesAt = now;
        }

        pool.Fade(Kept);
        pool.Add(beside, each, 1);
    }

    /// <summary>Works out anew how a replica differs from the pool.</summary>
    public static void Refresh(ref ReplicaLoad load, in DecodeLine line, Instant now) =>
        load.DecodeFactor = load.DecodePace.Each(line.Alone, load.DecodesAt, now) / line.Alone;
}
