using System.Globalization;
using System.Text.Json;
using Penstock.Bench.Processes;

namespace Penstock.Bench.Report;

/// <summary>Writes a run's figures: a table for people, or one JSON document for programs.</summary>
internal static class Print
{
    private const int NameWidth = 46;
    private const int CellWidth = 28;
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    public static void Table(TextWriter output, Machine machine, Options options, Noise noise, Figures figures)
    {
        output.WriteLine($"machine  {machine.Cpu}, {machine.Cores} cores, {machine.Kernel}");
        output.WriteLine($"with     .NET {machine.Dotnet}, {machine.Nginx}, YARP 2.1.0 (direct forwarder, server GC)");
        output.WriteLine($"run      {machine.Date}, commit {machine.Commit}: {machine.Command}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"cells    median (min to max) of {options.Rounds} rounds of {options.Seconds} s; x is the ratio to YARP"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"noise    other processes took {noise.OthersPercent:F0}% of the machine, "
            + $"its host {noise.StealPercent:F0}%"));
        output.WriteLine();

        string[] targets = [Target.Direct, .. options.Gateways];
        output.WriteLine("".PadRight(NameWidth) + string.Concat(targets.Select(target => target.PadLeft(CellWidth)))
            + "  penstock/yarp".PadLeft(16));
        foreach (var metric in figures.Metrics)
        {
            output.Write($"{metric.Name}, {metric.Unit}".PadRight(NameWidth));
            foreach (var target in targets)
                output.Write(Cell(figures.Find(metric, target)).PadLeft(CellWidth));
            var ratio = figures.Find(metric, Target.Penstock) is { } own ? figures.RatioToYarp(own) : null;
            output.WriteLine((ratio is { } x ? $"{Number(x)}x" : "").PadLeft(16));
        }
    }

    public static void Document(TextWriter output, Machine machine, Options options, Noise noise, Figures figures) =>
        output.WriteLine(JsonSerializer.Serialize(
            new
            {
                Machine = machine,
                Noise = noise,
                Settings = new { options.Seconds, options.Rounds, options.Gateways, options.Sections, options.Large },
                Figures = figures.All.Select(figure => new
                {
                    figure.Metric.Id,
                    figure.Metric.Name,
                    figure.Metric.Unit,
                    figure.Target,
                    figure.Median,
                    figure.Min,
                    figure.Max,
                    figure.Rounds,
                    RatioToYarp = figures.RatioToYarp(figure),
                }),
            },
            Json));

    private static string Cell(Figure? figure) => figure switch
    {
        null => "-",
        { Rounds.Count: 1 } => Number(figure.Median),
        _ => $"{Number(figure.Median)} ({Number(figure.Min)} to {Number(figure.Max)})",
    };

    private static string Number(double value) => Math.Abs(value) switch
    {
        >= 1000 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("F1", CultureInfo.InvariantCulture),
        _ => value.ToString("F2", CultureInfo.InvariantCulture),
    };
}
