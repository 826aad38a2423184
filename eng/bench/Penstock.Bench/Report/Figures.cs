namespace Penstock.Bench.Report;

/// <summary>One metric of one target, once a round.</summary>
internal sealed record Figure(Metric Metric, string Target)
{
    public List<double> Rounds { get; } = [];

    public double Min => Rounds.Min();

    public double Max => Rounds.Max();

    public double Median
    {
        get
        {
            var sorted = Rounds.Order().ToList();
            return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
        }
    }
}

/// <summary>Every figure of a run.</summary>
internal sealed class Figures
{
    private readonly List<Figure> _all = [];
    private readonly List<Metric> _metrics = [];

    public IReadOnlyList<Figure> All => _all;

    /// <summary>In the order of the table's rows.</summary>
    public IReadOnlyList<Metric> Metrics => _metrics;

    /// <summary>Gives a metric the next row of the table.</summary>
    public Metric Row(string id, string name, string unit, bool compared = true)
    {
        var metric = new Metric(id, name, unit) { Compared = compared };
        _metrics.Add(metric);
        return metric;
    }

    public void Add(Metric metric, string target, double value)
    {
        if (Find(metric, target) is not { } figure)
            _all.Add(figure = new Figure(metric, target));
        figure.Rounds.Add(value);
    }

    public Figure? Find(Metric metric, string target) =>
        _all.FirstOrDefault(figure => figure.Metric == metric && figure.Target == target);

    /// <summary>This figure's median over bare YARP's in the same run; null where that says nothing.</summary>
    public double? RatioToYarp(Figure figure) =>
        figure.Metric.Compared && figure.Target != Processes.Target.Direct
            && Find(figure.Metric, Processes.Target.Yarp) is { Median: > 0 } yarp
            ? figure.Median / yarp.Median
            : null;
}
