namespace Penstock.Core.Routing;

/// <summary>
/// A straight line through measured points, of which older ones count less: the moments of a least-squares fit. Where
/// points are few, or all at one place, the slope stays near one that is given.
/// </summary>
internal record struct LineFit
{
    private double _weight;
    private double _x;
    private double _y;
    private double _xx;
    private double _xy;

    /// <summary>The weight of all points, older ones counting less.</summary>
    public readonly double Weight => _weight;

    /// <summary>Where the points are, on average.</summary>
    public readonly double Center => _weight > 0 ? _x / _weight : 0;

    public void Add(double x, double y, double weight)
    {
        _weight += weight;
        _x += weight * x;
        _y += weight * y;
        _xx += weight * x * x;
        _xy += weight * x * y;
    }

    /// <summary>All points so far count that share of what they did.</summary>
    public void Fade(double share)
    {
        _weight *= share;
        _x *= share;
        _y *= share;
        _xx *= share;
        _xy *= share;
    }

    /// <summary>The mean of y, drawn towards <paramref name="otherwise"/> as if so many points had shown that.
    /// </summary>
    public readonly double Mean(double otherwise, double points) => (_y + (points * otherwise)) / (_weight + points);

    /// <summary>What one of x takes of y if nothing else does, drawn towards <paramref name="otherwise"/> as if
    /// <paramref name="strength"/> of x had shown that.</summary>
    public readonly double Ratio(double otherwise, double strength) =>
        (_y + (strength * otherwise)) / (_x + strength);

    /// <summary>The slope, drawn towards <paramref name="otherwise"/> as if points with a variance of
    /// <paramref name="strength"/> in all had shown that one.</summary>
    public readonly double Slope(double otherwise, double strength)
    {
        var variance = Math.Max(0, _xx - (Center * _x));
        var covariance = _xy - (Center * _y);
        return (covariance + (strength * otherwise)) / (variance + strength);
    }

    /// <summary>The height at zero that goes with a slope; never below it.</summary>
    public readonly double AtZero(double slope) =>
        _weight > 0 ? Math.Max(0, (_y - (slope * _x)) / _weight) : 0;
}
