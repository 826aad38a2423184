using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Recording;
using Penstock.Core.Routing;

namespace Penstock.DecisionBench;

/// <summary>The operations, on pools of 256 replicas that remember 4,096 blocks each.</summary>
internal static class Cases
{
    private const int Replicas = 256;
    private const int Remembered = 4_096;

    /// <summary>Blocks of a prompt of 100,000 tokens, at 4 bytes a token.</summary>
    private const int LongPrompt = 100_000 * 4 / PrefixChainBuilder.BlockBytes;

    /// <summary>Every operation, by what it is called.</summary>
    public static IEnumerable<(string What, Func<string, Row> Measure)> All()
    {
        yield return ("match 128 blocks, one replica holds them", what => Match(what, 128, 1_000, one: true));
        yield return ("match 128 blocks, all 256 replicas hold them", what => Match(what, 128, 1_000, one: false));
        yield return (
            "match 1,562 blocks, all 256 replicas hold them", what => Match(what, LongPrompt, null, one: false));
        yield return ("tokens that each replica holds of 1,562 blocks, all 256 hold them", MatchInTokens);
        yield return ("match 1,562 blocks, every replica holds another length of them", MatchOfManyDepths);
        yield return ("match 1,562 blocks, nobody holds them", MatchOfNothing);
        yield return ("insert 128 blocks that the replica holds", what => InsertAgain(what, isShared: false));
        yield return ("insert 128 blocks that all 256 replicas hold", what => InsertAgain(what, isShared: true));
        yield return ("insert 128 new blocks into a full index of 8 replicas", what => InsertNew(what, 8));
        yield return ("insert 128 new blocks into a full index of 256 replicas", what => InsertNew(what, Replicas));
        foreach (var policy in RoutePolicies.Names)
        {
            yield return ($"decide, {policy}, 100k-token prompt that all hold", what => Decide(what, policy));
        }

        yield return (
            "decide, penstock, 200 messages that all hold, caches full", what => DecideFull(what, held: true));
        yield return (
            "decide, penstock, 200 messages that nobody holds, caches full", what => DecideFull(what, held: false));
        yield return (
            "decide, penstock, an objective, 100k-token prompt that all hold",
            what => Decide(what, "penstock", new Slo(0.5, 0.05)));
        yield return ("decide, dispatch, first token, end; penstock, 100k tokens", DecideAndApply);
        yield return ("checkpoint of the full pool for its decision log", Checkpoint);
    }

    private static Row Match(string what, int blocks, int? budget, bool one)
    {
        var index = FullIndex();
        var chain = Chain(1, blocks);
        for (var replica = 0; replica < (one ? 1 : Replicas); replica++)
        {
            index.Insert(chain, replica);
        }

        var matched = new int[Replicas];
        return Row.Measure(what, budget, _ => index.Match(chain, matched));
    }

    private static Row MatchInTokens(string what)
    {
        var index = FullIndex();
        var chain = Chain(1, LongPrompt);
        for (var replica = 0; replica < Replicas; replica++)
        {
            index.Insert(chain, replica);
        }

        var matches = new PrefixMatch[Replicas];
        return Row.Measure(what, null, _ => index.Match(Prompt(chain), matches));
    }

    private static Row MatchOfManyDepths(string what)
    {
        var index = FullIndex();
        var chain = Chain(1, LongPrompt);
        for (var replica = 0; replica < Replicas; replica++)
        {
            index.Insert(chain.AsSpan(0, LongPrompt * (replica + 1) / Replicas), replica);
        }

        var matched = new int[Replicas];
        return Row.Measure(what, null, _ => index.Match(chain, matched));
    }

    private static Row MatchOfNothing(string what)
    {
        var index = FullIndex();
        var chain = Chain(1, LongPrompt);
        var matched = new int[Replicas];
        return Row.Measure(what, null, _ => index.Match(chain, matched));
    }

    private static Row InsertAgain(string what, bool isShared)
    {
        var index = FullIndex();
        var chain = Chain(1, 128);
        for (var replica = 0; replica < (isShared ? Replicas : 1); replica++)
        {
            index.Insert(chain, replica);
        }

        return Row.Measure(what, 5_000, call => index.Insert(chain, isShared ? call % Replicas : 0));
    }

    private static Row InsertNew(string what, int replicas)
    {
        // More chains than a replica can remember come round, so that every block is new and evicts another.
        var index = FullIndex(replicas);
        var chains = Enumerable.Range(0, 64).Select(seed => Chain((ulong)seed + 1_000_000, 128)).ToArray();
        return Row.Measure(
            what, 5_000, call => index.Insert(chains[call / replicas % chains.Length], call % replicas));
    }

    private static Row Decide(string what, string policyName, Slo slo = default)
    {
        var pool = FullPool(out var chain);
        var policy = RoutePolicies.Create(policyName)!;
        var candidates = new Candidate[Replicas];
        var rng = new Rng(7);
        return Row.Measure(what, 5_000, _ => pool.Decide(Request(chain, slo: slo), policy, candidates, ref rng));
    }

    /// <summary>As it is with agents: the prompt has the ends of its messages, and every replica would have to give up
    /// something for what is new in it.</summary>
    private static Row DecideFull(string what, bool held)
    {
        var pool = FullPool(out var chain, capacity: 200_000);
        var marks = new PromptMark[200];
        for (var i = 0; i < marks.Length; i++)
        {
            marks[i] = new PromptMark((i + 1) * 400_000L / marks.Length, chain[^1] + (ulong)i);
        }

        chain = held ? chain : Chain(2, LongPrompt);

        var policy = RoutePolicies.Create("penstock")!;
        var candidates = new Candidate[Replicas];
        var rng = new Rng(7);
        return Row.Measure(what, 5_000, _ => pool.Decide(
            new RouteRequest { Prompt = new PromptPrefix { Blocks = chain, Marks = marks, Length = 400_100 } },
            policy, candidates, ref rng));
    }

    private static Row DecideAndApply(string what)
    {
        var pool = FullPool(out var chain);
        var policy = RoutePolicies.Create("penstock")!;
        var candidates = new Candidate[Replicas];
        var rng = new Rng(7);
        return Row.Measure(what, null, call =>
        {
            var at = new Instant(call * 1_000_000L);
            var decision = pool.Decide(Request(chain), policy, candidates, ref rng);
            var ticket = pool.Apply(PoolEvent.Dispatched(Request(chain, at), in decision), Prompt(chain));
            pool.Apply(PoolEvent.FirstToken(at + TimeSpan.FromMilliseconds(50), ticket));
            pool.Apply(PoolEvent.Ended(
                at + TimeSpan.FromSeconds(4), ticket, RouteEnd.Completed, 100_000, 99_000, 200), Prompt(chain));
        });
    }

    /// <summary>What the pool waits for when a log of it begins: a million pairs, copied once.</summary>
    private static Row Checkpoint(string what)
    {
        var pool = FullPool(out _);
        return Row.Measure(what, null, _ =>
        {
            var state = new LogState();
            pool.Save(new StateWriter(state));
            state.Release();
        });
    }

    private static RouteRequest Request(ulong[] chain, Instant at = default, Slo slo = default) =>
        new() { At = at, Prompt = Prompt(chain), Slo = slo };

    private static PromptPrefix Prompt(ulong[] chain) => new() { Blocks = chain, Length = 400_000 };

    /// <summary>A pool at work: chains of its own on every replica, and the long prompt on all.</summary>
    private static PoolState FullPool(out ulong[] chain, long capacity = 0)
    {
        var pool = new PoolState(new PoolOptions(Replicas, Remembered));
        chain = Chain(1, LongPrompt);
        for (var replica = 0; replica < Replicas; replica++)
        {
            pool.Apply(PoolEvent.Eligibility(default, replica, Ineligible.No));
            var shape = new CacheShape { Kind = CacheKind.Paged, CapacityTokens = capacity, BlockTokens = 16 };
            pool.Apply(PoolEvent.CacheShaped(default, replica, in shape));
            var decision = new RouteDecision(replica, -1, 100_000, 0, 0, 200);
            for (var seed = 0; seed < Remembered / 128; seed++)
            {
                var other = Chain((ulong)((replica * 1_000) + seed + 10), 128);
                var own = pool.Apply(PoolEvent.Dispatched(Request(other), in decision), Prompt(other));
                pool.Apply(PoolEvent.Ended(default, own, RouteEnd.Completed), Prompt(other));
            }

            var ticket = pool.Apply(PoolEvent.Dispatched(Request(chain), in decision), Prompt(chain));
            pool.Apply(PoolEvent.Ended(default, ticket, RouteEnd.Completed), Prompt(chain));
        }

        return pool;
    }

    private static PrefixIndex FullIndex(int replicas = Replicas)
    {
        var index = new PrefixIndex(replicas, Remembered, PrefixKeying.Bytes);
        for (var replica = 0; replica < replicas; replica++)
        {
            for (var seed = 0; seed < Remembered / 128; seed++)
            {
                index.Insert(Chain((ulong)((replica * 1_000) + seed + 10), 128), replica);
            }
        }

        return index;
    }

    private static ulong[] Chain(ulong seed, int blocks)
    {
        var rng = new Rng(seed);
        var chain = new ulong[blocks];
        for (var i = 0; i < blocks; i++)
        {
            chain[i] = rng.NextUInt64();
        }

        return chain;
    }
}
