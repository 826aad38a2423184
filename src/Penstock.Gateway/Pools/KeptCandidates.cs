using System.Runtime.CompilerServices;
using Penstock.Core.Routing;

namespace Penstock.Gateway.Pools;

/// <summary>What is kept of the candidates of one decision.</summary>
/// <param name="All">As the policy left them, by slot; of more than <see cref="CountMax"/> those that cost least, and
/// with them the choice and the next best.</param>
/// <param name="Expected">When each was expected to give the tokens of the answer; empty where there was no objective,
/// or the policy does not look at objectives.</param>
internal readonly record struct KeptCandidates(Candidate[] All, TokenTimes[] Expected)
{
    /// <summary>Candidates kept of a decision at most.</summary>
    public const int CountMax = 16;

    /// <summary>Bytes that they take, about.</summary>
    public long Bytes =>
        (All.Length * Unsafe.SizeOf<Candidate>()) + (Expected.Length * Unsafe.SizeOf<TokenTimes>());

    /// <summary>Those of the decision that the router just made.</summary>
    public static KeptCandidates Of(PoolRouter router, in RouteDecision decision, Slo slo)
    {
        var kept = Keep(router.Candidates, in decision);
        return new KeptCandidates(kept, slo.IsSet ? Expect(router, kept) : []);
    }

    /// <summary>The candidates that are worth keeping.</summary>
    public static Candidate[] Keep(ReadOnlySpan<Candidate> all, in RouteDecision decision)
    {
        Span<int> best = stackalloc int[CountMax];
        var count = 0;
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].Ineligible == Ineligible.Absent
                || (count == CountMax && !IsBefore(in all[i], in all[best[^1]])))
            {
                continue;
            }

            var at = count == CountMax ? count - 1 : count++;
            for (; at > 0 && IsBefore(in all[i], in all[best[at - 1]]); at--)
            {
                best[at] = best[at - 1];
            }

            best[at] = i;
        }

        if (count == CountMax)
        {
            // Of many that cost the same, the two were drawn.
            Include(best, decision.Replica, decision.RunnerUp);
            Include(best, decision.RunnerUp, decision.Replica);
        }

        best[..count].Sort();
        var kept = new Candidate[count];
        for (var i = 0; i < kept.Length; i++)
        {
            kept[i] = all[best[i]];
        }

        return kept;
    }

    private static void Include(Span<int> best, int slot, int other)
    {
        if (slot >= 0 && !best.Contains(slot))
        {
            best[best[^1] == other ? ^2 : ^1] = slot;
        }
    }

    private static bool IsBefore(in Candidate a, in Candidate b) =>
        (a.Ineligible == Ineligible.No) == (b.Ineligible == Ineligible.No)
            ? a.Cost < b.Cost
            : a.Ineligible == Ineligible.No;

    private static TokenTimes[] Expect(PoolRouter router, Candidate[] candidates)
    {
        var expected = new TokenTimes[candidates.Length];
        for (var i = 0; i < expected.Length; i++)
        {
            ref readonly var candidate = ref candidates[i];
            if (candidate.Ineligible != Ineligible.No || !double.IsFinite(candidate.Cost))
            {
                expected[i] = new TokenTimes(double.NaN, double.NaN);
            }
            else if (router.Policy.Expect(in candidate, router.State) is { } times)
            {
                expected[i] = times;
            }
            else
            {
                return [];
            }
        }

        return expected;
    }
}
