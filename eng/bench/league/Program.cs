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
var setting = new Setting(options);
var seeds = options.Count("seeds", 5);
var policies = options.Text("policies", string.Join(',', RoutePolicies.Names.Append(OraclePolicy.PolicyName)))
    .Split(',');
var clock = Stopwatch.StartNew();
var runs = new FleetOutcome[policies.Length, seeds];
Parallel.For(
    0, policies.Length * seeds, new ParallelOptions { MaxDegreeOfParallelism = options.Count("threads", 1) },
    i => runs[i % policies.Length, i / policies.Length] =
        setting.Run(policies[i % policies.Length], (ulong)(i / policies.Length) + 1));

Console.WriteLine($"{string.Join(' ', args)}: means of {seeds} seeds, ± half of the 95% confidence interval; seconds; "
    + "p90 beyond first: seed by seed");
Console.WriteLine(Row.Head);
for (var i = 0; i < policies.Length; i++)
{
    Console.WriteLine(Row.Of(policies[i], Runs(i), Runs(0)));
}

if (args.Contains("--tail"))
{
    for (var i = 0; i < policies.Length; i++)
    {
        Tail.Print(policies[i], runs[i, 0]);
    }
}

Console.WriteLine($"in {clock.Elapsed.TotalSeconds:N1} s");

FleetOutcome[] Runs(int policy) => [.. Enumerable.Range(0, seeds).Select(seed => runs[policy, seed])];
