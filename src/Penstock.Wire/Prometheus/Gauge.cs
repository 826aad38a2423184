namespace Penstock.Wire.Prometheus;

/// <summary>What an engine may claim, brought into the range that makes sense; null for what does not.</summary>
internal static class Gauge
{
    /// <summary>A count: not negative, at most 2⁵³.</summary>
    public static long? Count(double value) => value is >= 0 and <= 1L << 53 ? (long)value : null;

    /// <summary>A share between 0 and 1.</summary>
    public static double? Share(double value) => double.IsFinite(value) ? Math.Clamp(value, 0, 1) : null;

    /// <summary>The sum of what is known; null only where neither is.</summary>
    public static long? Sum(long? a, long? b) => a is null ? b : a + (b ?? 0);

    /// <summary>The product of two counts; null where either is not known or it is out of range.</summary>
    public static long? Product(long? a, long? b) =>
        a is { } x && b is { } y ? Count((double)x * y) : null;

    /// <summary>The larger of what is known.</summary>
    public static double? Max(double? a, double? b) => a is null ? b : b is null ? a : Math.Max(a.Value, b.Value);
}
