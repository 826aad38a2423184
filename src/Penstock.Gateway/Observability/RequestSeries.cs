using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Primitives;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Observability;

using Tag = KeyValuePair<string, object?>;

/// <summary>What tells the series of requests apart. Every part comes from the configuration or a fixed list.</summary>
internal readonly record struct SeriesKey(
    string Model, string Pool, Dialect Dialect, Operation Operation, string Outcome, int StatusClass);

/// <summary>
/// The counters of one series, and its labels ready made: a request looks its series up once, and everything else it
/// counts is an addition. Thread-safe.
/// </summary>
internal sealed class RequestSeries
{
    private long _requests;

    public RequestSeries(in SeriesKey key, string provider, UsageSeries usage)
    {
        Usage = usage;
        var status = key.StatusClass is >= 1 and <= 5 ? $"{key.StatusClass}xx" : RequestMetrics.Other;
        var dialect = RequestEnd.NameOf(key.Dialect);
        Labels =
        [
            new("model", key.Model), new("pool", key.Pool), new("dialect", dialect), new("outcome", key.Outcome),
            new("status", status),
        ];
        DurationLabels = [new("model", key.Model), new("pool", key.Pool), new("outcome", key.Outcome)];
        DialectLabels = [new("dialect", dialect)];
        var operation = key.Operation == Operation.Generate ? GenAi.Chat : GenAi.CountTokens;
        Tag[] genAi =
        [
            new(GenAi.OperationName, operation), new(GenAi.ProviderName, provider), new(GenAi.RequestModel, key.Model),
        ];
        GenAiLabels = genAi;
        GenAiErrorLabels = key.Outcome == "completed" ? genAi : [.. genAi, new(GenAi.ErrorType, key.Outcome)];
        GenAiInputLabels = [.. genAi, new(GenAi.TokenType, "input")];
        GenAiOutputLabels = [.. genAi, new(GenAi.TokenType, "output")];
    }

    public UsageSeries Usage { get; }

    public Tag[] Labels { get; }

    public Tag[] DurationLabels { get; }

    public Tag[] DialectLabels { get; }

    public Tag[] GenAiLabels { get; }

    /// <summary>With the kind of error, where it was one.</summary>
    public Tag[] GenAiErrorLabels { get; }

    public Tag[] GenAiInputLabels { get; }

    public Tag[] GenAiOutputLabels { get; }

    public long Requests => Volatile.Read(ref _requests);

    public void Count() => Interlocked.Increment(ref _requests);
}

/// <summary>Tokens and money of one model in one pool. Thread-safe.</summary>
internal sealed class UsageSeries(string model, string pool)
{
    private static readonly string[] Categories =
        ["input", "cache_write_5m", "cache_write_1h", "cache_read", "output"];

    private readonly long[] _tokens = new long[Categories.Length];
    private readonly Tag[][] _labels =
    [
        .. Categories.Select(c => new Tag[] { new("model", model), new("pool", pool), new("category", c) }),
    ];

    private long _microUsd;

    public Tag[] Labels { get; } = [new("model", model), new("pool", pool)];

    public decimal Usd => new Money(Volatile.Read(ref _microUsd)).Usd;

    public IEnumerable<(long Tokens, Tag[] Labels)> Tokens =>
        _tokens.Select((_, i) => (Volatile.Read(ref _tokens[i]), _labels[i]));

    public void Add(in TokenUsage usage, Money? price)
    {
        Add(0, usage.Input);
        Add(1, usage.CacheWrite5m);
        Add(2, usage.CacheWrite1h);
        Add(3, usage.CacheRead);
        Add(4, usage.Output);
        if (price is { MicroUsd: not 0 and var micro })
        {
            Interlocked.Add(ref _microUsd, micro);
        }
    }

    private void Add(int category, long tokens)
    {
        if (tokens != 0)
        {
            Interlocked.Add(ref _tokens[category], tokens);
        }
    }
}
