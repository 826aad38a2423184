using System.Diagnostics.Metrics;
using Penstock.Core.Outcomes;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Observability;

/// <summary>
/// What is counted and timed of every request. Counts are kept here, one addition each, and read when somebody
/// collects; only durations and sizes, whose distribution matters, go through histograms. Nothing is done per token.
/// Thread-safe.
/// </summary>
internal sealed class RequestMetrics
{
    /// <summary>The label of what has no value, such as the model of a request that named none.</summary>
    public const string None = "none";

    /// <summary>The label of what found its table full.</summary>
    public const string Other = "other";

    private static readonly double[] OverheadBounds =
        [0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

    private static readonly double[] DurationBounds =
        [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

    private readonly SeriesTable _series;
    private readonly long[] _failures = new long[Enum.GetValues<FailureKind>().Length];
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _firstByte;
    private readonly Histogram<double> _overhead;
    private readonly GenAiMetrics _genAi;
    private long _retries;

    public RequestMetrics(Meter meter, SeriesTable? series = null)
    {
        _series = series ?? new SeriesTable();
        _duration = Seconds(
            meter, "penstock.request.duration", "From the head of a request to the end of its answer.", DurationBounds);
        _firstByte = Seconds(
            meter, "penstock.time_to_first_byte",
            "From the head of a streaming request to the first byte of its answer.", GenAi.FirstTokenBounds);
        _overhead = Seconds(
            meter, "penstock.overhead", "The gateway's own share of the time until an answer began.", OverheadBounds);
        _genAi = new GenAiMetrics(meter);
        Observe(meter);
    }

    public static Histogram<double> Seconds(Meter meter, string name, string help, IReadOnlyList<double> bounds) =>
        meter.CreateHistogram(
            name, "s", help, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });

    public void Retried() => Interlocked.Increment(ref _retries);

    public void Ended(Exchange x, in RequestEnd end)
    {
        var routed = x.Attempts > 0;
        var pool = routed ? x.Attempt.Pool.Snapshot : null;
        var series = _series.Find(
            new SeriesKey(
                x.Model?.Id ?? None, pool?.Name ?? None, x.Dialect, x.Operation, end.Outcome, end.Status / 100),
            pool?.Provider ?? None);
        series.Count();
        var total = end.Total.TotalSeconds;
        _duration.Record(total, series.DurationLabels);
        _overhead.Record(end.Overhead.TotalSeconds, series.DialectLabels);
        if (end.Failure is { } failure)
        {
            Interlocked.Increment(ref _failures[(int)failure.Kind]);
        }

        if (!routed)
        {
            return;
        }

        if (x.Scan.Stream && end.Record?.FirstByte is { } first)
        {
            _firstByte.Record(first.TotalSeconds, series.Usage.Labels);
        }

        if (x.Operation == Operation.Generate && end.Record is { } record)
        {
            series.Usage.Add(record.Usage, record.Price);
            _genAi.Ended(series, record, total, x.Scan.Stream);
        }
    }

    private void Observe(Meter meter)
    {
        meter.CreateObservableCounter(
            "penstock.requests", () => _series.All.Select(s => new Measurement<long>(s.Requests, s.Labels)),
            "{request}", "Requests that ended.");
        meter.CreateObservableCounter(
            "penstock.tokens",
            () => _series.Usage.SelectMany(u => u.Tokens, (_, t) => new Measurement<long>(t.Tokens, t.Labels)),
            "{token}", "Tokens, by the categories that have prices.");
        meter.CreateObservableCounter(
            "penstock.cost", () => _series.Usage.Select(u => new Measurement<double>((double)u.Usd, u.Labels)),
            "USD", "What the tokens cost by the price table.");
        meter.CreateObservableCounter(
            "penstock.retries", () => Volatile.Read(ref _retries),
            "{retry}", "Requests sent to another replica after one had failed.");
        meter.CreateObservableCounter(
            "penstock.refusals", Refusals, "{request}", "Requests that the gateway itself answered with an error.");
        meter.CreateObservableGauge(
            "penstock.series", () => _series.Count, "{series}", "Series of requests in use.");
        meter.CreateObservableGauge(
            "penstock.series_limit", () => SeriesTable.SeriesMax, "{series}", "Series of requests at most.");
        meter.CreateObservableCounter(
            "penstock.series_folded", () => _series.Folded,
            "{request}", "Requests counted as other, because all series were in use.");
    }

    private IEnumerable<Measurement<long>> Refusals() =>
        Enum.GetValues<FailureKind>()
            .Where(kind => kind != FailureKind.ClientClosed)
            .Select(kind => new Measurement<long>(
                Volatile.Read(ref _failures[(int)kind]),
                new("kind", RequestEnd.NameOf(kind)),
                new KeyValuePair<string, object?>("blame", BlameOf(kind))));

    private static string BlameOf(FailureKind kind) => new Failure(kind, "").Blame switch
    {
        Blame.Client => "client",
        Blame.Policy => "policy",
        Blame.Capacity => "capacity",
        Blame.Engine => "engine",
        _ => "us",
    };
}
