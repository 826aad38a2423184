// What one routing decision costs, in nanoseconds:
// `dotnet run -c Release --project eng/bench/decision [-- --json | --growth [--large] | WORD]`.
// A word leaves only the operations that have it in their names.
using System.Globalization;
using System.Text.Json;
using Penstock.DecisionBench;

if (args.Contains("--growth"))
{
    Growth.Print(args.Contains("--large"));
    return;
}

var word = args.FirstOrDefault(arg => !arg.StartsWith("--", StringComparison.Ordinal)) ?? "";
var rows = Cases.All().Where(one => one.What.Contains(word)).Select(one => one.Measure(one.What)).ToList();
if (args.Contains("--json"))
{
    Console.WriteLine(JsonSerializer.Serialize(rows, Row.Json));
    return;
}

Console.WriteLine($"{"what",-66} {"median ns",10} {"p10",9} {"p90",9} {"budget",8}");
foreach (var row in rows)
{
    var budget = row.BudgetNs?.ToString(CultureInfo.InvariantCulture) ?? "";
    Console.WriteLine($"{row.What,-66} {row.MedianNs,10:N0} {row.P10Ns,9:N0} {row.P90Ns,9:N0} {budget,8}");
}
