using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>The lines through all answers of a pool: <see cref="LoadRates"/> and <see cref="DecodeRates"/> say what
/// they are.</summary>
internal record struct PoolRates
{
    public LineFit Prefills;
    public LineFit Decodes;

    /// <summary>Answers in one piece, in a row, after which these are all there is to learn from.</summary>
    private const int WholeOnly = 16;

    /// <summary>The replica whose rates were last worked out anew.</summary>
    private int _refreshed;

    /// <summary>Answers in one piece since one was streamed.</summary>
    private int _whole;

    /// <summary>An answer has come to its end.</summary>
    /// <param name="loads">All replicas.</param>
    /// <param name="request">The request, which has left its replica.</param>
    /// <param name="uncached">Tokens of its prompt that had to be computed.</param>
    /// <param name="output">Tokens of the answer.</param>
    /// <param name="beside">Requests in flight beside it, on average.</param>
    /// <param name="now">The present.</param>
    public void Answered(
        Span<ReplicaLoad> loads, in TicketTable.InFlight request, long uncached, long output, double beside,
        Instant now)
    {
        if (request.FirstTokenSeen)
        {
            _whole = 0;
            Learn(loads, in request, uncached, output, beside, now);
        }
        else if (request.IsWhole)
        {
            CameWhole(loads, in request, uncached, output, beside, now);
        }
    }

    /// <summary>An answer in one piece does not say when its first token was there, so it teaches only
    /// where nothing else does: prefill and answer are taken to have been slower or faster than expected alike. As
    /// requests differ in what they have of either, the lines come out right all the same.</summary>
    private void CameWhole(
        Span<ReplicaLoad> loads, in TicketTable.InFlight request, long uncached, long output, double beside,
        Instant now)
    {
        _whole = Math.Min(_whole + 1, WholeOnly);
        var prefill = LoadRates.ExpectedSeconds(in loads[request.Replica], in Prefills, request.AheadTokens + uncached);
        var decode = DecodeRates.ExpectedSeconds(in loads[request.Replica], in Decodes, output, beside);
        if (_whole == WholeOnly && prefill + decode > 0)
        {
            var first = (now - request.DispatchedAt).TotalSeconds * prefill / (prefill + decode);
            var split = request with { FirstTokenAt = request.DispatchedAt + TimeSpan.FromSeconds(first) };
            Learn(loads, in split, uncached, output, beside, now);
        }
    }

    private void Learn(
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
