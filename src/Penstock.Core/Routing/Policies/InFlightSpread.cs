namespace Penstock.Core.Routing.Policies;

/// <summary>How the requests in flight are spread over the eligible candidates.</summary>
internal readonly record struct InFlightSpread(int Count, int Min, int Max, long Sum, double SumOfSquares)
{
    public double Mean => Count == 0 ? 0 : Sum / (double)Count;

    /// <summary>Standard deviation of the whole population.</summary>
    public double Deviation => Count == 0 ? 0 : Math.Sqrt(Math.Max(0, (SumOfSquares / Count) - (Mean * Mean)));

    public static InFlightSpread Of(ReadOnlySpan<Candidate> candidates)
    {
        var count = 0;
        var min = int.MaxValue;
        var max = 0;
        long sum = 0;
        double squares = 0;
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No)
            {
                count++;
                min = Math.Min(min, candidate.InFlight);
                max = Math.Max(max, candidate.InFlight);
                sum += candidate.InFlight;
                squares += (double)candidate.InFlight * candidate.InFlight;
            }
        }

        return new InFlightSpread(count, count == 0 ? 0 : min, max, sum, squares);
    }
}
