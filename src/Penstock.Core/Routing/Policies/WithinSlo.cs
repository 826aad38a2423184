namespace Penstock.Core.Routing.Policies;

/// <summary>
/// What the objectives of a request change in the costs of <see cref="PenstockPolicy"/>: those that are expected to
/// miss one go behind, where another meets them and does not cost too much more.
/// </summary>
internal static class WithinSlo
{
    /// <param name="slo">The objectives.</param>
    /// <param name="worth">Seconds that a replica may cost more because it meets them.</param>
    /// <param name="pool">The state.</param>
    /// <param name="candidates">With their costs and the terms of these.</param>
    /// <remarks>
    /// Where nobody meets them the least cost decides: they are missed anyway, and the request is to delay others as
    /// little as it can. The same where those who would meet them cost more than it is worth: near saturation that is
    /// work done again, for which others come too late.
    /// </remarks>
    public static void Prefer(Slo slo, double worth, PoolState pool, Span<Candidate> candidates)
    {
        var loads = pool.Replicas;
        var decoding = pool.Decoding;
        var (least, leastWithin) = (double.PositiveInfinity, double.PositiveInfinity);
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No)
            {
                least = Math.Min(least, candidate.Cost);
                if (slo.IsMetBy(Expected(in candidate, in loads[candidate.Replica], decoding)))
                {
                    leastWithin = Math.Min(leastWithin, candidate.Cost);
                }
            }
        }

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
