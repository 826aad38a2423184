namespace Penstock.Core.Routing.Policies;

/// <summary>
/// What the objectives of a request change in the costs of <see cref="PenstockPolicy"/>: those that are expected to
/// miss one go behind, where another meets them and does not cost too much more.
/// </summary>
internal static class WithinSlo
{
    /// <param name="slo">The objectives.</param>
    /// <param name="tokens">The answer's tokens, as what a second of each costs against one before the first.</param>
    /// <param name="pool">The state.</param>
    /// <param name="candidates">With their costs and the terms of these.</param>
    /// <remarks>
    /// An objective is worth as many seconds as it is long: the cheapest that misses it counts as if it took so much
    /// longer. Where nobody meets them the least cost decides: they are missed anyway, and the request is to delay
    /// others as little as it can. The same where those who would meet them cost more than that is worth: near
    /// saturation what is done a second time makes others miss theirs.
    /// </remarks>
    public static void Prefer(Slo slo, double tokens, PoolState pool, Span<Candidate> candidates)
    {
        var loads = pool.Replicas;
        var decoding = pool.Decoding;
        var (least, leastWithin) = (double.PositiveInfinity, double.PositiveInfinity);
        TokenTimes cheapest = default;
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No)
            {
                var expected = Expected(in candidate, in loads[candidate.Replica], decoding);
                (least, cheapest) = candidate.Cost < least ? (candidate.Cost, expected) : (least, cheapest);
                leastWithin = slo.IsMetBy(expected) ? Math.Min(leastWithin, candidate.Cost) : leastWithin;
            }
        }

        var worth = (slo.MissesFirstToken(cheapest) ? slo.FirstToken : 0)
            + (slo.MissesPerToken(cheapest) ? tokens * slo.PerToken : 0);
        if (!double.IsFinite(leastWithin) || leastWithin > least + worth)
        {
            return;
        }

        foreach (ref var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No
                && !slo.IsMetBy(Expected(in candidate, in loads[candidate.Replica], decoding)))
            {
                candidate.Cost += Rank.Behind;
            }
        }
    }

    /// <summary>The first token after the queue and the request's own prefill, the others at the pace at which a
    /// replica decodes beside what is in flight there.</summary>
    public static TokenTimes Expected(in Candidate candidate, in ReplicaLoad load, DecodeLine decoding) => new(
        candidate.Terms[0] + candidate.Terms[1],
        load.DecodeFactor * (decoding.Alone + (decoding.Each * candidate.InFlight)));
}
