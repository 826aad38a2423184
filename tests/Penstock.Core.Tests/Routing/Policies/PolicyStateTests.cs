using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing.Policies;

/// <summary>A router that is saved and loaded goes on as if nothing had been, under any policy.</summary>
public class PolicyStateTests
{
    private const int Replicas = 5;

    public static TheoryData<string> Policies => [.. RoutePolicies.Names];

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_loaded_router_decides_as_the_saved_one_would_have(string policy) =>
        Prop.ForAll(
            Gen.Choose(0, 1_000_000).ToArbitrary(), Gen.Choose(0, 200).ToArbitrary(),
            (seed, before) =>
            {
                var saved = New(policy, 1);
                var history = new History(saved, (ulong)seed);
                history.Run(before);
                var bytes = new ArrayBufferWriter<byte>();
                saved.Save(new StateWriter(bytes));

                var loaded = New(policy, 2);
                var reader = new StateReader(bytes.WrittenSpan);
                loaded.Load(ref reader);
                var other = history.With(loaded);
                Assert.Equal(history.Run(60), other.Run(60));
            }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(5));

    private static PoolRouter New(string policy, ulong seed)
    {
        var router = new PoolRouter(
            new PoolState(new PoolOptions(Replicas, 64)), RoutePolicies.Create(policy)!, seed);
        for (var replica = 0; replica < Replicas; replica++)
        {
            router.Tell(PoolEvent.Eligibility(default, replica, Ineligible.No));
        }

        return router;
    }

    /// <summary>A history that a seed makes up, of requests, answers, reports and flaps.</summary>
    private sealed class History(PoolRouter router, ulong seed)
    {
        private readonly List<(RouteTicket Ticket, ulong[] Chain)> _open = [];
        private Rng _rng = new(seed);
        private double _now;

        public History With(PoolRouter other)
        {
            var copy = new History(other, 0) { _rng = _rng, _now = _now };
            copy._open.AddRange(_open);
            return copy;
        }

        public List<RouteDecision> Run(int steps)
        {
            var decisions = new List<RouteDecision>();
            for (var i = 0; i < steps; i++)
            {
                _now += _rng.NextDouble() * 3;
                switch (_rng.NextInt32(6))
                {
                    case 0 when _open.Count > 0:
                        var (ended, chain) = _open[0];
                        _open.RemoveAt(0);
                        router.Tell(
                            PoolEvent.Ended(At(), ended, RouteEnd.Completed, 900, 200, 40), Prompt(chain));
                        break;
                    case 1 when _open.Count > 0:
                        router.Tell(PoolEvent.FirstToken(At(), _open[_rng.NextInt32(_open.Count)].Ticket));
                        break;
                    case 2:
                        var load = new EngineLoad(_rng.NextInt32(9), _rng.NextInt32(3), _rng.NextDouble(), 0);
                        router.Tell(PoolEvent.LoadReported(At(), _rng.NextInt32(Replicas), in load));
                        break;
                    case 3:
                        var state = _rng.NextInt32(4) == 0 ? Ineligible.Draining : Ineligible.No;
                        router.Tell(PoolEvent.Eligibility(At(), _rng.NextInt32(Replicas), state));
                        break;
                    default:
                        decisions.Add(Route());
                        break;
                }
            }

            return decisions;
        }

        private RouteDecision Route()
        {
            var chain = PoolRig.Chain((ulong)_rng.NextInt32(6) + 1, 6 + _rng.NextInt32(40));
            var request = new RouteRequest
            {
                At = At(), Prompt = Prompt(chain), Session = (ulong)_rng.NextInt32(4),
            };
            var decision = router.Route(in request, out var ticket);
            if (decision.Found)
            {
                _open.Add((ticket, chain));
            }

            return decision;
        }

        private Instant At() => Instant.FromSeconds(_now);

        private static PromptPrefix Prompt(ulong[] chain) => PoolRig.Prompt(chain, chain.Length * 256L);
    }
}
