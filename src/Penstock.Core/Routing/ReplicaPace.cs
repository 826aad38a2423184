using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// How long a token of prefill takes at one replica: as long as elsewhere in its pool, until its own times say
/// otherwise beyond what chance does.
/// </summary>
/// <remarks>
/// A replica that noise makes look fast gets more of the load, and one that it makes look slow gets nothing that would
/// show otherwise, so what is not significant must not count. How far the mean of the logarithms of its times is from
/// the pool's is drawn to zero by the share of its square that chance explains (the positive part of James and Stein's
/// estimator).
/// </remarks>
internal record struct ReplicaPace
{
    /// <summary>What a point keeps of its weight when the next one comes.</summary>
    private const double Kept = 0.998;

    /// <summary>Seconds in which what a replica showed loses most of its weight.</summary>
    private const double Memory = 600;

    /// <summary>Variances of the mean that chance is allowed: four, and eight times that since what disturbs one
    /// answer disturbs those beside it.</summary>
    private const double Chance = 32;

    /// <summary>What the variance of one logarithm is taken to be before there are points, and the points as which
    /// that weighs.</summary>
    private const double FirstVariance = 0.1;
    private const double FirstPoints = 2;

    private double _weight;
    private double _sum;
    private double _squares;

    /// <summary>A token of a prompt took so many seconds.</summary>
    /// <param name="each">Seconds.</param>
    /// <param name="weight">How much it says, 0 to 1.</param>
    /// <param name="last">When one came before.</param>
    /// <param name="now">The present.</param>
    public void See(double each, double weight, Instant last, Instant now)
    {
        var kept = Faded(last, now) * (1 - ((1 - Kept) * weight));
        var log = Math.Log(each);
        _weight = (_weight * kept) + weight;
        _sum = (_sum * kept) + (weight * log);
        _squares = (_squares * kept) + (weight * log * log);
    }

    /// <summary>Seconds a token, where the pool's mean is <paramref name="elsewhere"/>.</summary>
    public readonly double Each(double elsewhere, Instant last, Instant now)
    {
        var weight = _weight * Faded(last, now);
        if (weight <= 0)
        {
            return elsewhere;
        }

        // Half the variance makes the mean of the logarithms the logarithm of the mean, were they normal.
        var mean = _sum / _weight;
        var variance = Math.Max(0, (_squares / _weight) - (mean * mean));
        var spread = ((variance * weight) + (FirstVariance * FirstPoints)) / (weight + FirstPoints);
        var off = mean + (variance / 2) - Math.Log(elsewhere);
        var significant = 1 - (Chance * spread / weight / (off * off));
        return significant > 0 ? elsewhere * Math.Exp(off * significant) : elsewhere;
    }

    private static double Faded(Instant last, Instant now) =>
        Math.Exp(-Math.Max(0, (now - last).TotalSeconds) / Memory);
}
