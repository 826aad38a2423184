using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

/// <summary>What holds after any sequence of events, under any policy.</summary>
public class PoolProperties
{
    private const int Replicas = 5;

    private static readonly Arbitrary<(string Policy, Step[] Steps)> Histories = Arb.From(
        from policy in Gen.Elements(RoutePolicies.Names.ToArray())
        from length in Gen.Choose(0, 120)
        from steps in Gen.ArrayOf(
            from kind in Gen.Elements(Enum.GetValues<StepKind>())
            from which in Gen.Choose(0, 1_000)
            from size in Gen.Choose(0, 20_000)
            select new Step(kind, which, size), length)
        select (policy, steps));

    private enum StepKind
    {
        Dispatch,
        DispatchToo,
        DispatchWhole,
        TimePasses,
        FirstToken,
        Complete,
        Cancel,
        Fail,
        EndAgain,
        Flap,
        Report,
        LoseCache,
        ShapeCache,
        TellOfCache,
        Peer,
        Vacate,
        ChangePolicy,
        SaveAndLoad,
    }

    [Fact]
    public void Counters_are_never_negative_and_all_is_given_back_when_all_have_ended() =>
        Prop.ForAll(Histories, history =>
        {
            var run = new Run(history.Policy);
            foreach (var step in history.Steps)
            {
                run.Take(step);
                run.AssertCountsAreRight();
            }

            run.EndAll();
            run.AssertCountsAreRight();
            Assert.Equal(0, run.Rig.State.InFlight);
            Assert.All(run.Rig.State.Replicas.ToArray(), load => Assert.Equal(
                (0, 0, 0, 0L, 0L, 0L),
                (load.InFlight, load.Prefilling, load.Awaited, load.PrefillTokens, load.DecodeTokens,
                    load.DueMicroseconds)));
            Assert.All(Enumerable.Range(0, Replicas), replica =>
                Assert.Equal(0, run.Rig.State.Index.PinsAt(replica)));
            for (var replica = 0; replica < Replicas; replica++)
            {
                run.Rig.SetEligible(replica, Ineligible.No);
            }

            run.ForgetPeers();
            run.Rig.Decide();
            Assert.All(run.Rig.Candidates.ToArray(), c => Assert.Equal(
                (0, 0L, 0L), (c.InFlight, c.PrefillTokens, c.DecodeTokens)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_same_seed_and_events_give_the_same_decisions() =>
        Prop.ForAll(Histories, history =>
        {
            var first = new Run(history.Policy);
            var second = new Run(history.Policy);
            foreach (var step in history.Steps)
            {
                first.Take(step);
                second.Take(step);
            }

            Assert.Equal(first.Decisions, second.Decisions);
            Assert.Equal(first.Rig.State.Replicas.ToArray(), second.Rig.State.Replicas.ToArray());
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_is_chosen_is_eligible_and_costs_least() =>
        Prop.ForAll(Histories, history =>
        {
            var run = new Run(history.Policy);
            foreach (var step in history.Steps)
            {
                run.Take(step);
            }

            var decision = run.Rig.Decide(500, PoolRig.Chain(1, 30), tried: [2]);
            var possible = run.Rig.Candidates.ToArray().Where(c => c.Ineligible == Ineligible.No).ToArray();
            Assert.Equal(possible.Length > 0, decision.Found);
            if (decision.Found)
            {
                Assert.Contains(possible, c => c.Replica == decision.Replica);
                Assert.NotEqual(2, decision.Replica);
                Assert.Equal(possible.Min(c => c.Cost), run.Rig.Candidates[decision.Replica].Cost);
                Assert.All(possible, c => Assert.InRange(c.MatchedTokens, 0, decision.PromptTokens - 1));
            }
        }).QuickCheckThrowOnFailure();

    /// <summary>Takes steps, and keeps the books in the plainest way.</summary>
    private sealed class Run(string policy)
    {
        private const int Nodes = 3;

        private static readonly CacheShape[] Shapes =
        [
            default,
            new() { Kind = CacheKind.Paged, BlockTokens = 16, CapacityTokens = 2_000 },
            new() { Kind = CacheKind.Paged, BlockTokens = 16, CapacityTokens = 900, HostTokens = 1_000 },
            new() { Kind = CacheKind.Radix, BlockTokens = 1, CapacityTokens = 1_500 },
            new() { Kind = CacheKind.Slots, Slots = 2, CapacityTokens = 4_096 },
            new() { Kind = CacheKind.Slots, Slots = 2, CapacityTokens = 4_096, HostTokens = 2_000 },
            new() { Kind = CacheKind.Off },
        ];

        private readonly List<(RouteTicket Ticket, RouteDecision Decision, bool Begun, bool Whole)> _open = [];
        private RouteTicket _ended;
        private double _now;

        public PoolRig Rig { get; } = new(policy, Replicas, seed: 42, blocksPerReplica: 64);

        public List<RouteDecision> Decisions { get; } = [];

        public void Take(Step step)
        {
            _now += step.Size / 10_000.0;
            switch (step.Kind)
            {
                case StepKind.Dispatch or StepKind.DispatchToo or StepKind.DispatchWhole:
                    Dispatch(step);
                    break;
                case StepKind.TimePasses:
                    Pass();
                    break;
                case StepKind.FirstToken when _open.Count > 0:
                    var at = step.Which % _open.Count;
                    Rig.FirstToken(_open[at].Ticket, _now);
                    _open[at] = _open[at] with { Begun = true };
                    break;
                case StepKind.Complete:
                    End(step, RouteEnd.Completed);
                    break;
                case StepKind.Cancel:
                    End(step, RouteEnd.Cancelled);
                    break;
                case StepKind.Fail:
                    End(step, RouteEnd.Failed);
                    break;
                case StepKind.EndAgain:
                    Rig.End(_ended, RouteEnd.Completed, _now, step.Size, step.Which);
                    Rig.FirstToken(_ended, _now);
                    Rig.Tell(PoolEvent.Ended(PoolRig.At(_now), default, RouteEnd.Failed));
                    break;
                case StepKind.Flap:
                    Rig.SetEligible(step.Which % Replicas, (Ineligible)(step.Size % 3));
                    break;
                case StepKind.Report:
                    Rig.Report(step.Which % Replicas, step.Size % 9, step.Size % 5, slots: step.Size % 4, at: _now);
                    break;
                case StepKind.LoseCache:
                    Rig.Tell(PoolEvent.CacheLost(PoolRig.At(_now), step.Which % Replicas));
                    break;
                case StepKind.ChangePolicy:
                    Rig.ChangePolicy(RoutePolicies.Names[step.Which % RoutePolicies.Names.Length]);
                    break;
                case StepKind.SaveAndLoad:
                    Rig.SaveAndLoad();
                    break;
                default:
                    Tell(step, step.Which % Replicas);
                    break;
            }
        }

        public void ForgetPeers()
        {
            for (var node = 0; node < Nodes; node++)
            {
                Rig.Tell(PoolEvent.PeerGone(PoolRig.At(_now), node));
            }
        }

        public void EndAll()
        {
            foreach (var open in _open)
            {
                Rig.End(open.Ticket, RouteEnd.Cancelled, _now);
            }

            _open.Clear();
        }

        public void AssertCountsAreRight()
        {
            Assert.Equal(_open.Count, Rig.State.InFlight);
            for (var replica = 0; replica < Replicas; replica++)
            {
                var here = _open.Where(o => o.Decision.Replica == replica).ToArray();
                var load = Rig[replica];
                Assert.Equal(here.Length, load.InFlight);
                Assert.Equal(here.Count(o => !o.Begun), load.Prefilling);
                Assert.Equal(here.Count(o => !o.Begun && !o.Whole), load.Awaited);
                Assert.Equal(here.Where(o => !o.Begun).Sum(o => o.Decision.UncachedTokens), load.PrefillTokens);
                Assert.Equal(
                    here.Where(o => o.Begun).Sum(o => o.Decision.PromptTokens + (o.Decision.OutputTokens / 2)),
                    load.DecodeTokens);
                Assert.InRange(Rig.State.Index.CountOf(replica), 0, 64);
                Assert.True(double.IsFinite(load.PrefillRate) && load.PrefillRate > 0);
                Assert.True(double.IsFinite(load.SecondsPerToken) && load.SecondsPerToken > 0);
            }
        }

        /// <summary>What engines, other gateways and reloads say of a replica.</summary>
        private void Tell(Step step, int replica)
        {
            var at = PoolRig.At(_now);
            var tier = (CacheTier)(step.Size % 2);
            var blocks = PoolRig.Prompt(PoolRig.Chain((ulong)(step.Which % 4), step.Size % 40), 0);
            switch (step.Kind, step.Size % 4)
            {
                case (StepKind.ShapeCache, _):
                    Rig.Tell(PoolEvent.CacheShaped(at, replica, Shapes[step.Size % Shapes.Length]));
                    break;
                case (StepKind.TellOfCache, 0):
                    Rig.Tell(PoolEvent.CacheStored(at, replica, tier), in blocks);
                    break;
                case (StepKind.TellOfCache, 1):
                    Rig.Tell(PoolEvent.CacheRemoved(at, replica, tier), in blocks);
                    break;
                case (StepKind.TellOfCache, _):
                    Rig.Tell(PoolEvent.CacheResident(at, replica, CacheTier.Device, step.Size));
                    break;
                case (StepKind.Peer, 0):
                    Rig.Tell(PoolEvent.PeerGone(at, step.Which % Nodes));
                    break;
                case (StepKind.Peer, 1):
                    Rig.Tell(PoolEvent.PeerPrefix(at, replica, step.Which % Nodes), in blocks);
                    break;
                case (StepKind.Peer, _):
                    var share = new PeerShare(step.Size % 9, step.Size, step.Which);
                    Rig.Tell(PoolEvent.PeerLoad(at, replica, step.Which % Nodes, in share));
                    break;
                case (StepKind.Vacate, _) when _open.All(o => o.Decision.Replica != replica):
                    Rig.Tell(PoolEvent.Vacated(at, replica));
                    break;
            }
        }

        /// <summary>In the end every answer in one piece is taken to have begun.</summary>
        private void Pass()
        {
            while (Rig.State.TakeDue(new Instant(long.MaxValue)) is >= 0 and var replica)
            {
                Assert.Contains(_open, o => o is { Whole: true, Begun: false } && o.Decision.Replica == replica);
            }

            for (var i = 0; i < _open.Count; i++)
            {
                _open[i] = _open[i] with { Begun = _open[i].Begun || _open[i].Whole };
            }
        }

        private void Dispatch(Step step)
        {
            var chain = PoolRig.Chain((ulong)(step.Which % 4), step.Size % 40);
            int[] tried = step.Size % 3 == 0 ? [step.Which % Replicas] : [];
            var decision = Rig.Decide(step.Size, chain, tried, session: (ulong)(step.Which % 6));
            Assert.DoesNotContain(decision.Replica, tried);
            Decisions.Add(decision);
            if (decision.Found)
            {
                var whole = step.Kind == StepKind.DispatchWhole;
                var ticket = Rig.Dispatch(in decision, _now, chain, step.Size * 4L, whole: whole);
                _open.Add((ticket, decision, false, whole));
            }
        }

        private void End(Step step, RouteEnd end)
        {
            if (_open.Count > 0)
            {
                var at = step.Which % _open.Count;
                _ended = _open[at].Ticket;
                _open.RemoveAt(at);
                Rig.End(_ended, end, _now, step.Size, step.Which);
            }
        }
    }

    private sealed record Step(StepKind Kind, int Which, int Size);
}
