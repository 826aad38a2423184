using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>What a decision shows its policy of every replica.</summary>
internal static class CandidateView
{
    /// <summary>Sets every member of every candidate, in place, and sums up those that can be chosen: a pool of
    /// hundreds has no time to build each twice, nor to go through all once more.</summary>
    public static FleetSums Fill(
        Span<Candidate> candidates, ReadOnlySpan<ReplicaLoad> replicas, ReadOnlySpan<PrefixMatch> matches,
        PeerLoads peers, long prompt, in RouteRequest request)
    {
        var now = request.At;
        replicas = replicas[..candidates.Length];
        matches = matches[..candidates.Length];
        var sums = default(FleetSums);
        for (var i = 0; i < candidates.Length; i++)
        {
            Fill(ref candidates[i], i, in replicas[i], in matches[i], prompt, now);
            sums.Add(in candidates[i], in replicas[i]);
        }

        if (peers.IsEmpty && request.Tried.IsEmpty)
        {
            return sums;
        }

        if (!peers.IsEmpty)
        {
            AddPeers(candidates, replicas, peers, now);
        }

        foreach (var slot in request.Tried)
        {
            if ((uint)slot < (uint)candidates.Length && replicas[slot].Ineligible == Ineligible.No)
            {
                candidates[slot].Ineligible = Ineligible.TriedBefore;
            }
        }

        sums = default;
        for (var i = 0; i < candidates.Length; i++)
        {
            sums.Add(in candidates[i], in replicas[i]);
        }

        return sums;
    }

    private static void Fill(
        ref Candidate candidate, int replica, in ReplicaLoad load, in PrefixMatch match, long prompt, Instant now)
    {
        var trust = load.Trust.Level;
        var believed = trust == TrustLevel.Trusted ? match.Tokens : (long)(match.Tokens * load.Trust.Belief);
        var matched = Math.Min(prompt - 1, believed);
        candidate.Replica = replica;
        candidate.Ineligible = load.Ineligible != Ineligible.No ? load.Ineligible
            : load.InFlight >= load.InFlightMax ? Ineligible.AtLimit
            : Ineligible.No;
        candidate.Trust = trust;
        candidate.InFlight = load.InFlight;
        candidate.MatchedTokens = matched;
        candidate.UncachedTokens = prompt - matched;
        candidate.PrefillTokens = load.PrefillTokens;
        candidate.DecodeTokens = load.DecodeTokens;
        candidate.Cost = double.PositiveInfinity;
        candidate.Match = match;
        candidate.LoadAge = load.ReportedAt is { } reported
            ? (now.Nanoseconds - reported.Nanoseconds) * 1e-9
            : double.PositiveInfinity;
        candidate.PeerAge = 0;
        candidate.Terms = default;
    }

    /// <summary>What other nodes said that they have in flight.</summary>
    private static void AddPeers(
        Span<Candidate> candidates, ReadOnlySpan<ReplicaLoad> replicas, PeerLoads peers, Instant now)
    {
        for (var i = 0; i < candidates.Length; i++)
        {
            ref var candidate = ref candidates[i];
            var share = peers.Sum(i, now, LoadRates.SentRate(in replicas[i], now), out candidate.PeerAge);
            candidate.InFlight += share.InFlight;
            candidate.PrefillTokens += share.PrefillTokens;
            candidate.DecodeTokens += share.DecodeTokens;
        }
    }
}
