using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Models;
using Penstock.Core.Routing;
using Penstock.Engines.Probing;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Requests;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Requests;

public class RoutingTests
{
    /// <summary>Whatever fails, either no place was taken, or the request knows of it and gives it back.</summary>
    [Fact]
    public async Task A_fault_while_a_request_is_routed_leaves_no_place_that_nobody_gives_back()
    {
        await using var engine = new ScriptedEngine();
        var clock = new ManualClock();
        var document = RunningGateway.Document(engine);
        var secrets = SecretReader.FromProcess(Path.GetTempPath()).Read(document);
        var snapshot = ConfigLoader.FromDocument(document, 1, secrets).Snapshot!;
        using var probes = new EngineClient(clock);
        var served = snapshot.Pools[0];
        await using var replica = new Replica(served.Replicas[0], served, probes, 1, clock, NullLogger.Instance);
        var pool = new Pool(
            served, RoutePolicies.Create("penstock")!, [replica],
            new PoolSettings(clock, 1, 1 << 16, PoolOutlets.None));
        pool.Tell(PoolEvent.Eligibility(pool.Now, 0, Ineligible.No));
        var fleet = new Fleet(snapshot, new Dictionary<string, Pool> { [served.Name] = pool });
        using var x = new Exchange(jsonDepthMax: 64, scopeSeed: 1);
        var faults = 0;
        for (var isDone = false; !isDone;)
        {
            var routing = new Routing(new DecisionLog(1), new FaultyTime(faults + 1));
            x.Begin(new DefaultHttpContext(), fleet, Dialect.Anthropic, Operation.CountTokens, clock);
            x.Key = snapshot.Keys.Values[0];
            x.Model = snapshot.ModelList[0];
            try
            {
                isDone = routing.TryRoute(x);
                Assert.True(isDone);
            }
            catch (TimeoutException)
            {
                faults++;
            }

            Assert.Equal(x.Attempt.Open ? 1 : 0, pool.InFlight);
            if (x.Attempt.Open)
            {
                pool.End(x.Attempt.Ticket, RouteEnd.Failed, default, default);
            }

            x.End();
        }

        Assert.NotEqual(0, faults);
    }

    /// <summary>A clock that fails the n-th time that it is asked.</summary>
    private sealed class FaultyTime(int fails) : TimeProvider
    {
        private int _asked;

        public override long GetTimestamp() =>
            ++_asked == fails ? throw new TimeoutException() : 1_000_000_000;
    }
}
