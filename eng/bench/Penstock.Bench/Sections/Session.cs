using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Penstock.Bench.Load;
using Penstock.Bench.Processes;
using Penstock.Bench.Report;

namespace Penstock.Bench.Sections;

/// <summary>What every section needs: the lab, the figures so far, and the two load tools.</summary>
internal sealed class Session(Lab lab, Options options, string script)
{
    private const int Connections = 32;
    private static readonly TimeSpan Trail = TimeSpan.FromMilliseconds(200);

    public Lab Lab => lab;

    public Options Options => options;

    public Figures Figures { get; } = new();

    /// <summary>Requests a second that each target sustained in closed loop, by target and body.</summary>
    public Dictionary<(string Target, string Body), double> MaxRates { get; } = [];

    /// <summary>Tells the person who waits what is being measured.</summary>
    public static void Say(string what) => Console.Error.WriteLine($"# {what}");

    /// <summary>Starts the chosen gateways in front of an upstream.</summary>
    public List<Target> StartGateways(Target upstream) =>
        [.. options.Gateways.Select(name => lab.StartGateway(name, upstream))];

    public void Stop(IEnumerable<Target> targets)
    {
        foreach (var target in targets)
            lab.Stop(target);
    }

    /// <summary>
    /// Takes each round over all targets in turn, so that what else the machine does hits them alike.
    /// </summary>
    public void Rounds(IReadOnlyList<Target> targets, Action<Target> measure)
    {
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var target in targets)
                measure(target);
        }
    }

    /// <summary>CPU seconds that a target spends while something runs, and shortly after.</summary>
    public double CpuWhile(Target target, Action work)
    {
        var before = target.CpuSeconds;
        work();
        lab.Settle(Trail);
        return target.CpuSeconds - before;
    }

    /// <summary>wrk, one thread, 32 connections, closed loop.</summary>
    public (long Requests, double Rate) Wrk(Target target, string bodyFile, double seconds)
    {
        var start = new ProcessStartInfo("wrk",
        [
            "-t1", $"-c{Connections}", string.Create(CultureInfo.InvariantCulture, $"-d{Math.Ceiling(seconds)}s"),
            "-s", script, $"http://127.0.0.1:{target.Port}/v1/messages",
        ]);
        start.Environment["BENCH_BODY"] = bodyFile;
        start.Environment["BENCH_KEY"] = target.Key;
        var output = lab.RunTool(start);
        var result = output.Split('\n').FirstOrDefault(line => line.StartsWith("RESULT ", StringComparison.Ordinal))
            ?? throw new BenchFailure($"wrk gave no result:\n{output}");
        var numbers = result.Split(' ')[1..].Select(text => long.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        if (numbers is not [> 0, _, 0, 0])
            throw new BenchFailure($"{target.Name}: not every answer was 200 and complete:\n{output}");
        return (numbers[0], numbers[0] / (numbers[1] / 1e6));
    }

    /// <summary>The own load client, in its own process.</summary>
    public LoadResult Load(Target target, LoadPlan plan)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["load", JsonSerializer.Serialize(plan)]);
        var output = lab.RunTool(start);
        var result = output.StartsWith('{') ? JsonSerializer.Deserialize<LoadResult>(output) : null;
        return result is { Failed: 0, Requests: > 0 }
            ? result
            : throw new BenchFailure(
                $"{target.Name}: not every answer was 200, complete and right: {result?.FirstFailure ?? output}");
    }
}
