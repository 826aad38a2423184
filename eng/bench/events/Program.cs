// What cache events cost on one core: `dotnet run -c Release --project eng/bench/events [-- SECONDS]`.
using Penstock.EventsBench;

var seconds = args.Length > 0 ? double.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 2;
Console.WriteLine(
    $"{"batch",-52} {"blocks/s",12} {"p50 us",9} {"p99 us",9} {"max us",9} {"bytes alloc",12} {"entries",9}");
foreach (var run in EventRun.All)
{
    Console.WriteLine(run.Measure(seconds));
}
