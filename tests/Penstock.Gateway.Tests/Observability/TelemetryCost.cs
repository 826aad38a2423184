using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Gateway.Observability;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Requests;
using Penstock.Gateway.Tests.Configuration;

namespace Penstock.Gateway.Tests.Observability;

/// <summary>
/// Prints what telling of a request costs. Asserts nothing about time, so it runs only when asked:
/// <c>Penstock.Gateway.Tests -explicit only -showLiveOutput -class Penstock.Gateway.Tests.Observability.TelemetryCost
/// </c>.
/// </summary>
public sealed class TelemetryCost
{
    private const int Requests = 500_000;

    [Fact(Explicit = true)]
    public async Task Prints_what_metrics_and_log_line_of_a_request_cost()
    {
        var snapshot = Documents.Load(Documents.Minimal).Snapshot!;
        await using var fleet = new FleetRuntime(
            snapshot, TimeProvider.System, 1, PoolOutlets.None, 1, NullLogger<FleetRuntime>.Instance);
        using var exchange = Ended(fleet);
        using var meter = new Meter(TelemetryRoom.MeterName);
        using var pipeline = new MetricsPipeline(meter, null);
        using var log = new RequestLog(Stream.Null, TimeProvider.System);
        var metrics = new RequestMetrics(meter);
        Report("metrics", exchange, new RequestTelemetry(metrics, null, TimeProvider.System));
        Report("metrics and log line", exchange, new RequestTelemetry(metrics, log, TimeProvider.System));
        Assert.True(log.Lines > 0);
        Assert.Contains("penstock_requests_total", pipeline.Collect(), StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper!.WriteLine($"{log.Lines} lines, {log.Dropped} dropped");
    }

    private static void Report(string name, Exchange exchange, RequestTelemetry telemetry)
    {
        Run(exchange, telemetry, 50_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        var start = Stopwatch.GetTimestamp();
        Run(exchange, telemetry, Requests);
        var wall = Stopwatch.GetElapsedTime(start);
        cpu = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{name}: {wall.TotalNanoseconds / Requests:0} ns wall, {cpu.TotalNanoseconds / Requests:0} ns CPU of the "
            + $"process, {(double)allocated / Requests:0} bytes each");
    }

    private static void Run(Exchange exchange, RequestTelemetry telemetry, int count)
    {
        for (var i = 0; i < count; i++)
        {
            telemetry.Ended(exchange, null);
        }
    }

    private static Exchange Ended(FleetRuntime fleet)
    {
        var pools = fleet.Current;
        var pool = pools.Pools.Single();
        var x = new Exchange(64, 1);
        x.Begin(new DefaultHttpContext(), pools, Dialect.Anthropic, Operation.Generate, TimeProvider.System);
        x.Scan.Advance("""{"model":"m","stream":true,"max_tokens":500,"messages":[]}"""u8, isFinal: true);
        x.Key = new() { Id = "key-1", Org = "acme", Workspace = "default" };
        x.Model = pools.Snapshot.ModelList[0];
        x.Overhead = TimeSpan.FromMicroseconds(120);
        x.Record = new DecisionRecord
        {
            Id = 7, RequestId = x.IdText, At = x.StartedUtc, Dialect = x.Dialect, Key = "key-1", RequestedModel = "m",
            Model = "m", SnapshotVersion = 1, Outcome = "completed", Status = 200,
            Usage = new TokenUsage(1000, 0, 0, 5000, 200), Price = new Money(4321),
            FirstByte = TimeSpan.FromMilliseconds(80), Total = TimeSpan.FromSeconds(2),
        };
        var attempt = new AttemptRecord
        {
            Pool = "p", Policy = pool.Policy, ReplicaNames = pool.Slots.Names, Decision = default,
            Candidates = new([], []),
            Feeds = [],
            At = TimeSpan.Zero,
        };
        x.Attempts = 1;
        x.Attempt.Begin(pool, pool.Replicas[0], default, default, attempt, x.StartedAt);
        x.Attempt.Close();
        return x;
    }
}
