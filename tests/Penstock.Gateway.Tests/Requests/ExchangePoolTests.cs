using Microsoft.AspNetCore.Http;
using Penstock.Core.Models;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Requests;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Requests;

public class ExchangePoolTests
{
    /// <summary>What hangs on the end of an exchange is not all ours, and the sweep is on a timer.</summary>
    [Fact]
    public async Task An_exchange_that_cannot_be_ended_in_order_keeps_the_sweep_from_no_other()
    {
        await using var engine = new ScriptedEngine();
        var clock = new ManualClock();
        var document = RunningGateway.Document(engine);
        var secrets = SecretReader.FromProcess(Path.GetTempPath()).Read(document);
        var fleet = new Fleet(
            ConfigLoader.FromDocument(document, 1, secrets).Snapshot!, new Dictionary<string, Pool>());
        using var log = new FaultLog();
        var faults = new FaultBoundary(log);
        var parts = new FlowParts
        {
            Time = clock,
            JsonDepthMax = 64,
            ScopeSeed = 1,
            Prompts = null!,
            Retries = null!,
            Dispatch = null!,
            Settlement = null!,
            Telemetry = null!,
        };
        var pool = new ExchangePool(parts, faults);
        var exchanges = Enumerable.Range(0, 8).Select(_ => pool.Rent()).ToList();
        foreach (var x in exchanges)
        {
            x.Begin(new DefaultHttpContext(), fleet, Dialect.Anthropic, Operation.Generate, clock);
            x.Allow(TimeSpan.FromSeconds(1), clock.GetTimestamp(), clock.TimestampFrequency);
            x.Upstream.Token.Register(static () => throw new InvalidOperationException("not ours"));
        }

        clock.Advance(TimeSpan.FromSeconds(2));
        pool.Sweep();
        Assert.Equal(8, faults.Count);
        Assert.All(exchanges, x => Assert.True(x.Expired));
        Assert.All(log.All, l => Assert.Contains("not ours", l, StringComparison.Ordinal));
        exchanges.ForEach(pool.Return);
    }
}
