using System.Diagnostics;
using Penstock.LiveBench.Sessions;

namespace Penstock.LiveBench.Play;

/// <summary>What happened in a run, as the clients saw it. Thread-safe.</summary>
internal sealed class PlayRecord(double scale)
{
    private const int FailuresKept = 5;

    private readonly Lock _lock = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly List<Sample> _samples = [];
    private readonly List<double> _sentAt = [];
    private readonly List<double> _failedAt = [];
    private readonly HashSet<ulong> _blocks = [];
    private readonly HashSet<Transcript> _playing = [];

    /// <summary>The first few failures, in words.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>Virtual seconds since the start.</summary>
    public double Now => At(Stopwatch.GetTimestamp());

    /// <summary>Distinct blocks in all prompts so far.</summary>
    public int DistinctBlocks
    {
        get
        {
            lock (_lock)
            {
                return _blocks.Count;
            }
        }
    }

    /// <summary>Blocks in the prompts of the sessions that are being played.</summary>
    public int OpenBlocks
    {
        get
        {
            lock (_lock)
            {
                return _playing.Sum(transcript => transcript.Blocks);
            }
        }
    }

    public void Begins(Transcript transcript)
    {
        lock (_lock)
        {
            _playing.Add(transcript);
        }
    }

    public void Ends(Transcript transcript)
    {
        lock (_lock)
        {
            _playing.Remove(transcript);
        }
    }

    /// <summary>A request is sent, and when.</summary>
    public SentRequest Sends(Transcript transcript)
    {
        lock (_lock)
        {
            var sent = Stopwatch.GetTimestamp();
            _sentAt.Add(At(sent));
            return new SentRequest(sent, transcript.AddKeysTo(_blocks));
        }
    }

    public void Answers(SentRequest request, AnswerReader answer, string? decision)
    {
        var end = Stopwatch.GetTimestamp();
        var sent = request.At;
        var tokens = new AnswerTokens(
            answer.InputTokens + answer.CachedTokens, answer.CachedTokens, answer.OutputTokens);
        var perToken = tokens.Output > 1 ? Seconds(answer.FirstAt, answer.LastAt) / (tokens.Output - 1) : 0;
        lock (_lock)
        {
            _samples.Add(new Sample(
                At(sent), Seconds(sent, answer.FirstAt), Seconds(sent, end), perToken, request.KnownShare, decision)
            {
                Tokens = tokens,
            });
        }
    }

    public void Fails(SentRequest sent, string what)
    {
        lock (_lock)
        {
            _failedAt.Add(At(sent.At));
            if (Failures.Count < FailuresKept)
            {
                Failures.Add(what.Length > 300 ? what[..300] : what);
            }
        }
    }

    /// <summary>The answered requests that were sent in that span, and the number of those that failed.</summary>
    public (List<Sample> Samples, int Failed) Between(double from, double to)
    {
        lock (_lock)
        {
            return (
                [.. _samples.Where(sample => sample.SentAt >= from && sample.SentAt < to)],
                _failedAt.Count(at => at >= from && at < to));
        }
    }

    public int SentBetween(double from, double to)
    {
        lock (_lock)
        {
            return _sentAt.Count(at => at >= from && at < to);
        }
    }

    private double At(long timestamp) => Seconds(_start, timestamp);

    private double Seconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds * scale;
}
