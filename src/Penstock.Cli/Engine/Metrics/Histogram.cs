namespace Penstock.Cli.Engine.Metrics;

/// <summary>Counts of observations up to each bound, as Prometheus wants them. Its owner locks.</summary>
internal sealed class Histogram(string name, string help, double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    public void Observe(double value)
    {
        var at = 0;
        while (at < bounds.Length && value > bounds[at])
        {
            at++;
        }

        _counts[at]++;
        _sum += value;
    }

    public void Write(PrometheusText text)
    {
        text.Head(name, "histogram", help);
        long total = 0;
        for (var i = 0; i < bounds.Length; i++)
        {
            total += _counts[i];
            text.Bucket(name, bounds[i], total);
        }

        total += _counts[^1];
        text.Bucket(name, double.PositiveInfinity, total);
        text.Value(name + "_sum", _sum);
        text.Value(name + "_count", total);
    }
}
