using System.Globalization;
using System.Text.Json;
using Penstock.Bench;
using Penstock.Bench.Load;
using Penstock.Bench.Upstream;

// One program, four roles, each in its own process so that their CPU is told apart: `drive ROOT [options]` measures,
// `upstream PORT` is the paced engine, `fleet PORT N` is N of it, on 127.0.0.1 to 127.0.0.N, `load PLAN` is one run of the
// load client.
switch (args)
{
    case ["upstream", var port]:
        using (var upstream = new PacedUpstream(int.Parse(port, CultureInfo.InvariantCulture)))
            upstream.Run();
        return 0;

    case ["fleet", var port, var engines]:
        using (var fleet = new PacedUpstream(
            int.Parse(port, CultureInfo.InvariantCulture), int.Parse(engines, CultureInfo.InvariantCulture)))
            fleet.Run();
        return 0;

    case ["load", var text]:
        var plan = JsonSerializer.Deserialize<LoadPlan>(text)!;

        // Where latency is the figure, this process must not be compiling its own code during the measurement.
        if (plan.Rate > 0)
            _ = Load(plan with { Seconds = 0.5 });
        Console.Out.WriteLine(JsonSerializer.Serialize(Load(plan)));
        return 0;

    case ["drive", var root, .. var rest]:
        if (Options.Parse(rest, out var error) is { } options)
            return Driver.Run(root, rest, options);
        Console.Error.WriteLine($"{error}\n{Options.Usage}");
        return 2;

    default:
        Console.Error.WriteLine(Options.Usage);
        return 2;
}

static LoadResult Load(LoadPlan plan)
{
    using var run = new LoadRun(plan);
    return run.Run();
}
