using System.Diagnostics.Metrics;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Observability;

/// <summary>
/// The same requests under the names of the semantic conventions for generative AI, so that dashboards made for those
/// work here. Only requests that reached a replica. Thread-safe.
/// </summary>
internal sealed class GenAiMetrics
{
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _perToken;
    private readonly Histogram<int> _tokens;

    public GenAiMetrics(Meter meter)
    {
        _duration = RequestMetrics.Seconds(
            meter, GenAi.RequestDuration, "Time to the last byte of the answer.", GenAi.DurationBounds);
        _firstToken = RequestMetrics.Seconds(
            meter, GenAi.TimeToFirstToken, "Time to the first byte of a streamed answer.", GenAi.FirstTokenBounds);
        _perToken = RequestMetrics.Seconds(
            meter, GenAi.TimePerOutputToken, "Time per token of a streamed answer after the first.",
            GenAi.PerTokenBounds);
        _tokens = meter.CreateHistogram(
            GenAi.TokenUsage, "{token}", "Tokens of a request.", tags: null,
            new InstrumentAdvice<int> { HistogramBucketBoundaries = GenAi.TokenBounds });
    }

    /// <param name="series">The request's.</param>
    /// <param name="record">How it ended.</param>
    /// <param name="seconds">From its head to its end.</param>
    /// <param name="stream">The answer was asked for as a stream: only then its first byte is its first token.</param>
    public void Ended(RequestSeries series, DecisionRecord record, double seconds, bool stream)
    {
        _duration.Record(seconds, series.GenAiErrorLabels);
        var output = record.Usage.Output;
        if (stream && record.FirstByte is { } first)
        {
            _firstToken.Record(first.TotalSeconds, series.GenAiLabels);
            if (output > 1)
            {
                _perToken.Record((seconds - first.TotalSeconds) / (output - 1), series.GenAiLabels);
            }
        }

        if (record.Usage.Prompt > 0)
        {
            _tokens.Record(Tokens(record.Usage.Prompt), series.GenAiInputLabels);
        }

        if (output > 0)
        {
            _tokens.Record(Tokens(output), series.GenAiOutputLabels);
        }
    }

    private static int Tokens(long count) => (int)Math.Min(count, int.MaxValue);
}
