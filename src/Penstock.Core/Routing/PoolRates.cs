using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>The lines through all answers of a pool: <see cref="LoadRates"/> and <see cref="DecodeRates"/> say what
/// they are.</summary>
internal record struct PoolRates
{
    public LineFit Prefills;
    public LineFit Decodes;

    /// <summary>The replica whose rates were last worked out anew.</summary>
    private int _refreshed;

    /// <summary>An answer that was streamed has come to its end.</summary>
    /// <param name="loads">All replicas.</param>
    /// <param name="request">The request, which has left its replica.</param>
    /// <param name="uncached">Tokens of its prompt that had to be computed.</param>
    /// <param name="output">Tokens of the answer.</param>
    /// <param name="beside">Requests in flight beside it, on average.</param>
    /// <param name="now">The present.</param>
    public void Streamed(
        Span<ReplicaLoad> loads, in TicketTable.InFlight request, long uncached, long output, double beside,
        Instant now)
    {
        ref var load = ref loads[request.Replica];
        LoadRates.Prefilled(ref load, ref Prefills, in request, uncached, now);
        DecodeRates.Answer(ref load, ref Decodes, in request, output, beside, now);
        LoadRates.Refresh(loads, ref _refreshed, in Prefills, in Decodes, now);
    }

    /// <summary>After reading what was saved of a pool of so many replicas.</summary>
    public void Bound(int replicas) => _refreshed = Math.Clamp(_refreshed, 0, replicas - 1);
}
