using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Hashing;

/// <summary>
/// Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, 2018): the first replica in the order of
/// the request's key where Q + 1 ≤ ⌈c·(ΣQ + 1)/n⌉, with Q requests in flight and c = 1.25. As <c>chwbl</c> the key is
/// the first 256 tokens of the prompt, which is the Shepherd gateway's <c>prefix_hash</c>; as <c>chwbl-session</c> it
/// is the session where the client names one, which is the <c>consistent_hash</c> of vllm-project/router.
/// </summary>
/// <remarks>The ring is a <see cref="Rendezvous"/> order. A request without a key goes where fewest are in flight. The
/// cost is the place in the order, below 1, and one more where the bound is passed; the first in the order is within it
/// whenever all are alike, so somebody always is.</remarks>
internal sealed class BoundedHashPolicy(string name, bool bySession) : RoutePolicy
{
    private const double Bound = 1.25;
    private const int KeyTokens = 256;

    private static readonly string[] Names = ["place", "over", "in_flight"];
    private static readonly string[] Units = ["", "", "requests"];

    public override string Name => name;

    public override string Unit => "places";

    public override ReadOnlySpan<string> TermNames => Names;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var key = bySession && request.Session != 0 ? request.Session : PromptKey.Of(in request, pool, KeyTokens);
        var spread = InFlightSpread.Of(candidates);
        var limit = Math.Ceiling(Bound * (spread.Sum + 1) / Math.Max(1, spread.Count));
        foreach (ref var candidate in candidates)
        {
            candidate.Terms[0] = key == 0 ? 0 : Rendezvous.Place(key, candidate.Replica, pool);
            candidate.Terms[1] = key != 0 && candidate.InFlight + 1 > limit ? 1 : 0;
            candidate.Terms[2] = key == 0 ? candidate.InFlight : 0;
            candidate.Cost = candidate.Terms[0] + candidate.Terms[1] + candidate.Terms[2];
        }
    }
}
