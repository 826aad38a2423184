using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Engines.Probing;
using Penstock.Gateway.Pools;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Pools;

public sealed class PoolTests : IAsyncDisposable
{
    private readonly ManualClock _clock = new();
    private readonly EngineClient _probes;
    private readonly Replica _replica;
    private readonly FaultyPolicy _policy = new();
    private readonly Pool _pool;

    public PoolTests()
    {
        _probes = new EngineClient(_clock);
        var replica = new ReplicaSnapshot("r0", new Uri("http://127.0.0.1:1"));
        var snapshot = new PoolSnapshot { Name = "p", Model = "m", Replicas = [replica] };
        _replica = new Replica(replica, snapshot, _probes, 1, _clock, NullLogger.Instance);
        _pool = new Pool(snapshot, _policy, [_replica], new PoolSettings(_clock, 1, 1 << 16, PoolOutlets.None));
        _pool.Tell(PoolEvent.Eligibility(_pool.Now, 0, Ineligible.No));
    }

    public async ValueTask DisposeAsync()
    {
        await _replica.DisposeAsync();
        _probes.Dispose();
    }

    [Fact]
    public void A_decision_that_fails_on_the_way_takes_no_place()
    {
        _policy.IsFaulty = true;
        Assert.Throws<InvalidOperationException>(() => Route());
        Assert.Equal((0, 0, 0L), (_pool.InFlight, _pool.Look()[0].Load.InFlight, _pool.Look()[0].Load.PrefillTokens));
        Assert.Equal(0, _pool.Look()[0].Mirror.Pins);
        _policy.IsFaulty = false;
        Route();
        Assert.Equal(1, _pool.InFlight);
    }

    private void Route()
    {
        ulong[] chain = [1, 2, 3];
        var prompt = new PromptPrefix { Blocks = chain, Length = 3 * PrefixChainBuilder.BlockBytes };
        _pool.Route(new RouteRequest { At = _pool.Now, Prompt = prompt }, out _, out _);
    }

    private sealed class FaultyPolicy : RoutePolicy
    {
        public override string Name => "faulty";

        public bool IsFaulty { get; set; }

        public override void Score(
            in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
        {
            foreach (ref var candidate in candidates)
            {
                candidate.Cost = 0;
            }
        }

        public override void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
        {
            if (IsFaulty && happened.Kind == PoolEventKind.Dispatched)
            {
                throw new InvalidOperationException("a fault");
            }
        }
    }
}
