using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Hashing;

/// <summary>
/// <c>session</c> of vLLM production-stack: the session's place on a hash ring; without a session the replica that got
/// the fewest requests in the last 60 seconds (its statistics window).
/// </summary>
/// <remarks>The ring is a <see cref="Rendezvous"/> order. Requests are counted as they are sent; production-stack
/// reads the same figures as often as every 30 seconds.</remarks>
internal sealed class VpsSessionPolicy : RoutePolicy
{
    /// <summary>Over which production-stack counts requests.</summary>
    internal static readonly TimeSpan Window = TimeSpan.FromSeconds(60);

    private static readonly string[] Names = ["place", "sent"];
    private static readonly string[] Units = ["", "requests"];

    private readonly WindowCounts _sent = new(Window);

    public override string Name => "vps-session";

    public override string Unit => "places";

    public override ReadOnlySpan<string> TermNames => Names;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        _sent.Advance(request.At);
        foreach (ref var candidate in candidates)
        {
            var hasSession = request.Session != 0;
            candidate.Terms[0] = hasSession ? Rendezvous.Place(request.Session, candidate.Replica, pool) : 0;
            candidate.Terms[1] = hasSession ? 0 : _sent.Of(candidate.Replica);
            candidate.Cost = candidate.Terms[0] + candidate.Terms[1];
        }
    }

    public override void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
    {
        if (happened.Kind == PoolEventKind.Dispatched)
        {
            _sent.Add(happened.Replica, pool.Replicas.Length, 1, happened.At);
        }
        else if (happened.Kind == PoolEventKind.Vacated)
        {
            _sent.Forget(happened.Replica);
        }
    }

    public override void Save(StateWriter to) => _sent.Save(to);

    public override void Load(ref StateReader from) => _sent.Load(ref from);
}
