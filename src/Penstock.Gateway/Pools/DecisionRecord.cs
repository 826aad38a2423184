using System.Runtime.CompilerServices;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Gateway.CacheSync;

namespace Penstock.Gateway.Pools;

/// <summary>
/// What was decided for one request and why: every attempt with its candidates and the terms of their costs, and how
/// it ended. Written by the request that it is about, read by the admin API; a reader may see a request in flight.
/// </summary>
internal sealed class DecisionRecord
{
    /// <summary>The outcome of what has not ended.</summary>
    public const string InFlight = "in_flight";

    /// <summary>Of its members and of what every record has.</summary>
    private const int BytesMin = 512;

    private readonly List<AttemptRecord> _attempts = new(1);
    private volatile string _outcome = InFlight;
    private bool _isKept;

    public required ulong Id { get; init; }

    public required string RequestId { get; init; }

    public required DateTimeOffset At { get; init; }

    public required Dialect Dialect { get; init; }

    public required string Key { get; init; }

    public required string RequestedModel { get; init; }

    public required string Model { get; init; }

    public required long SnapshotVersion { get; init; }

    public bool Stream { get; init; }

    public int ChainBlocks { get; init; }

    /// <summary>The hints that the client gave in headers.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Hints { get; init; } = [];

    /// <summary>Of the last attempt. Written last when that ends: a reader that reads it first, and finds it ended,
    /// finds the rest of the record complete.</summary>
    public string Outcome
    {
        get => _outcome;
        set => _outcome = value;
    }

    public int Status { get; set; }

    public TokenUsage Usage { get; set; }

    public bool UsageIsEstimated { get; set; }

    public Money? Price { get; set; }

    public TimeSpan? FirstByte { get; set; }

    public TimeSpan? Total { get; set; }

    public IReadOnlyList<AttemptRecord> Attempts
    {
        get
        {
            lock (_attempts)
            {
                return [.. _attempts];
            }
        }
    }

    /// <summary>The bytes that the attempt adds to those that are kept.</summary>
    public long Add(AttemptRecord attempt)
    {
        lock (_attempts)
        {
            _attempts.Add(attempt);
            return _isKept ? attempt.Bytes : 0;
        }
    }

    /// <summary>It is being kept, and takes so many bytes, about.</summary>
    public long Keep()
    {
        lock (_attempts)
        {
            _isKept = true;
            return Bytes();
        }
    }

    /// <summary>It is kept no longer, and took so many bytes by then.</summary>
    public long Forget()
    {
        lock (_attempts)
        {
            _isKept = false;
            return Bytes();
        }
    }

    private long Bytes()
    {
        var text = RequestId.Length + Key.Length + RequestedModel.Length + Model.Length;
        for (var i = 0; i < Hints.Count; i++)
        {
            text += Hints[i].Key.Length + Hints[i].Value.Length;
        }

        var bytes = BytesMin + ((long)sizeof(char) * text);
        foreach (var attempt in _attempts)
        {
            bytes += attempt.Bytes;
        }

        return bytes;
    }
}

/// <summary>One decision of a request, and what came of it.</summary>
internal sealed class AttemptRecord
{
    /// <summary>Candidates kept of a decision at most.</summary>
    public const int CandidatesMax = 16;

    /// <summary>Of its members and of what every record has.</summary>
    private const int BytesMin = 256;

    public required string Pool { get; init; }

    public required RoutePolicy Policy { get; init; }

    /// <summary>By slot; empty where there was no replica.</summary>
    public required IReadOnlyList<string> ReplicaNames { get; init; }

    public required RouteDecision Decision { get; init; }

    /// <summary>As the policy left them, by slot; of more than <see cref="CandidatesMax"/> those that cost least, and
    /// with them the choice and the next best.</summary>
    public required Candidate[] Candidates { get; init; }

    /// <summary>What of each of <see cref="Candidates"/> its engine's events were worth then.</summary>
    public FeedAge[] Feeds { get; set; } = [];

    /// <summary>Bytes that it takes, about.</summary>
    public long Bytes => BytesMin + (Candidates.Length * (Unsafe.SizeOf<Candidate>() + Unsafe.SizeOf<FeedAge>()));

    /// <summary>Replicas that there were to choose from.</summary>
    public int Considered => ReplicaNames.Count(n => n.Length > 0);

    /// <summary>Since the request began.</summary>
    public required TimeSpan At { get; init; }

    public string Outcome { get; set; } = DecisionRecord.InFlight;

    public int Status { get; set; }

    /// <summary>The candidates of a decision that are worth keeping.</summary>
    public static Candidate[] Keep(ReadOnlySpan<Candidate> all, in RouteDecision decision)
    {
        Span<int> best = stackalloc int[CandidatesMax];
        var count = 0;
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].Ineligible == Ineligible.Absent
                || (count == CandidatesMax && !IsBefore(in all[i], in all[best[^1]])))
            {
                continue;
            }

            var at = count == CandidatesMax ? count - 1 : count++;
            for (; at > 0 && IsBefore(in all[i], in all[best[at - 1]]); at--)
            {
                best[at] = best[at - 1];
            }

            best[at] = i;
        }

        if (count == CandidatesMax)
        {
            // Of many that cost the same, the two were drawn.
            Include(best, decision.Replica, decision.RunnerUp);
            Include(best, decision.RunnerUp, decision.Replica);
        }

        best[..count].Sort();
        var kept = new Candidate[count];
        for (var i = 0; i < kept.Length; i++)
        {
            kept[i] = all[best[i]];
        }

        return kept;
    }

    private static void Include(Span<int> best, int slot, int other)
    {
        if (slot >= 0 && !best.Contains(slot))
        {
            best[best[^1] == other ? ^2 : ^1] = slot;
        }
    }

    private static bool IsBefore(in Candidate a, in Candidate b) =>
        (a.Ineligible == Ineligible.No) == (b.Ineligible == Ineligible.No)
            ? a.Cost < b.Cost
            : a.Ineligible == Ineligible.No;
}
