using Microsoft.AspNetCore.Http;
using Penstock.Core.Models;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Requests;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Requests;

public class ExchangeTests
{
    private const int Uses = 100_000;

    /// <summary>The sweep walks exchanges that end and begin under its eyes.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_watchdog_ends_the_use_that_it_looked_at_and_no_other(bool waitsForClient)
    {
        await using var engine = new ScriptedEngine();
        var clock = new ManualClock();
        var document = RunningGateway.Document(engine);
        var secrets = SecretReader.FromProcess(Path.GetTempPath()).Read(document);
        var fleet = new Fleet(
            ConfigLoader.FromDocument(document, 1, secrets).Snapshot!, new Dictionary<string, Pool>());
        using var x = new Exchange(jsonDepthMax: 64, scopeSeed: 1);
        var over = false;
        var sweep = Task.Run(
            () =>
            {
                while (!Volatile.Read(ref over))
                {
                    x.ExpireIfDue(long.MaxValue);
                }
            },
            RunningGateway.Guard);
        try
        {
            for (var use = 0; use < Uses && !sweep.IsCompleted; use++)
            {
                x.Begin(new DefaultHttpContext(), fleet, Dialect.Anthropic, Operation.Generate, clock);
                if (use % 2 == 0)
                {
                    x.WaitsForClient = waitsForClient;
                    x.Allow(TimeSpan.FromSeconds(1), 0, clock.TimestampFrequency);
                }
                else
                {
                    Assert.False(x.Expired || x.Upstream.IsCancellationRequested, $"ended by use {use - 1}");
                }

                x.End();
            }
        }
        finally
        {
            Volatile.Write(ref over, true);
            await sweep;
        }
    }
}
