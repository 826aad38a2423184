using System.Collections.Concurrent;

namespace Penstock.Gateway.Observability;

/// <summary>
/// The series of requests, at most <see cref="SeriesMax"/>: what comes after goes into one that is called
/// <c>other</c>, and is counted. Series are never dropped, since a counter that starts again at nothing would be read
/// as a restart. Thread-safe; a lookup takes no lock.
/// </summary>
internal sealed class SeriesTable(int seriesMax = SeriesTable.SeriesMax)
{
    /// <summary>Series of requests at most.</summary>
    public const int SeriesMax = 1000;

    private readonly ConcurrentDictionary<SeriesKey, RequestSeries> _series = new();
    private readonly Dictionary<(string Model, string Pool), UsageSeries> _usage = [];
    private readonly Lock _adding = new();
    private long _folded;

    /// <summary>Requests that were counted under <c>other</c> because the table was full.</summary>
    public long Folded => Volatile.Read(ref _folded);

    public int Count => _series.Count;

    public IEnumerable<RequestSeries> All => _series.Values;

    public IReadOnlyList<UsageSeries> Usage
    {
        get
        {
            lock (_adding)
            {
                return [.. _usage.Values];
            }
        }
    }

    public RequestSeries Find(in SeriesKey key, string provider) =>
        _series.TryGetValue(key, out var series) ? series : Add(in key, provider);

    private RequestSeries Add(in SeriesKey key, string provider)
    {
        lock (_adding)
        {
            if (_series.TryGetValue(key, out var known))
            {
                return known;
            }

            var full = _series.Count >= seriesMax - 1;
            var added = full
                ? key with { Model = RequestMetrics.Other, Pool = RequestMetrics.Other, Outcome = RequestMetrics.Other,
                    StatusClass = 0, Dialect = default, Operation = default }
                : key;
            if (full)
            {
                Interlocked.Increment(ref _folded);
                provider = RequestMetrics.Other;
                if (_series.TryGetValue(added, out var other))
                {
                    return other;
                }
            }

            var series = new RequestSeries(in added, provider, UsageOf(added.Model, added.Pool));
            _series[added] = series;
            return series;
        }
    }

    private UsageSeries UsageOf(string model, string pool)
    {
        if (pool == RequestMetrics.None)
        {
            // Never routed, never any usage: nothing to show.
            return new UsageSeries(model, pool);
        }

        if (!_usage.TryGetValue((model, pool), out var usage))
        {
            _usage[(model, pool)] = usage = new UsageSeries(model, pool);
        }

        return usage;
    }
}
