// Who serves a workload best on a simulated fleet: `dotnet run -c Release --project eng/bench/league [-- --help]`.
using System.Diagnostics;
using Penstock.Core.Routing;
using Penstock.League;
using Penstock.Simulator.Fleets;

if (args.Contains("--help"))
{
    Console.WriteLine(Options.Help);
    return;
}

var options = new Options(args);
if (options.Problem() is { } problem)
{
    Console.Error.WriteLine($"{problem}; --help lists them");
    Environment.ExitCode = 2;
    return;
}

var setting = new Setting(options);
var seeds = options.Count("seeds", 5);
var entries = Entry.Of(
    options.Text("policies", string.Join(',', RoutePolicies.Names.Append(OraclePolicy.PolicyName))),
    options.Text("first-token", "0"), options.Text("gateways", "1"), options.Text("news", "on"));
var clock = Stopwatch.StartNew();
var runs = new FleetOutcome[entries.Length, seeds];
Parallel.For(
    0, entries.Length * seeds, new ParallelOptions { MaxDegreeOfParallelism = options.Count("threads", 1) },
    i => runs[i % entries.Length, i / entries.Length] =
        setting.Run(entries[i % entries.Length], (ulong)(i / entries.Length) + 1));

Console.WriteLine($"{string.Join(' ', args)}: means of {seeds} seeds, ± half of the 95% confidence interval; seconds; "
    + "p90 beyond first: seed by seed");
Console.WriteLine(Row.Head);
for (var i = 0; i < entries.Length; i++)
{
    Console.WriteLine(Row.Of(entries[i].Name, Runs(i), Runs(0)));
    if (args.Contains("--each"))
    {
        Console.WriteLine("  p90 by seed: " + string.Join(' ', Runs(i).Select(r => $"{r.FirstToken.P90:F3}")));
        Console.WriteLine("  in 2 s by seed: " + string.Join(' ', Runs(i).Select(r => $"{r.Within(2):P2}")));
    }
}

Console.WriteLine($"in {clock.Elapsed.TotalSeconds:N1} s");

FleetOutcome[] Runs(int policy) => [.. Enumerable.Range(0, seeds).Select(seed => runs[policy, seed])];
