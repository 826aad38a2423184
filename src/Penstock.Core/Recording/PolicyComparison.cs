using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Recording;

/// <summary>
/// What another policy would have chosen at each decision of a log, in the state in which the pool was. Its choices are
/// not carried out, so each is judged by itself: a policy that had been in charge would have seen another state.
/// </summary>
public sealed class PolicyComparison
{
    /// <summary>Differences that are kept for a report; the rest is counted.</summary>
    public const int ExamplesMax = 20;

    private readonly Candidate[] _candidates;
    private readonly long[] _recordedAt;
    private readonly long[] _otherAt;
    private readonly List<PlacementDifference> _examples = [];
    private Rng _rng;
    private RouteDecision _other;

    internal PolicyComparison(PoolLogHeader header, RoutePolicy policy)
    {
        Policy = policy;
        _candidates = new Candidate[header.Options.Replicas];
        _recordedAt = new long[header.Options.Replicas];
        _otherAt = new long[header.Options.Replicas];
        _rng = new Rng(header.Seed);
    }

    public RoutePolicy Policy { get; }

    /// <summary>Decisions that it was asked about.</summary>
    public long Decisions { get; private set; }

    /// <summary>Decisions where it would have taken another replica.</summary>
    public long Different { get; private set; }

    /// <summary>Prompt tokens that were to be computed where the requests went.</summary>
    public long RecordedUncachedTokens { get; private set; }

    /// <summary>Prompt tokens that would have been to compute where it would have sent them.</summary>
    public long OtherUncachedTokens { get; private set; }

    /// <summary>Requests by replica slot, as they were sent.</summary>
    public IReadOnlyList<long> RecordedByReplica => _recordedAt;

    /// <summary>Requests by replica slot, as it would have sent them.</summary>
    public IReadOnlyList<long> OtherByReplica => _otherAt;

    /// <summary>The first differences.</summary>
    public IReadOnlyList<PlacementDifference> Examples => _examples;

    internal void Ask(PoolLogRecord record, PoolRouter router)
    {
        var request = record.Request;
        _other = router.State.Decide(in request, Policy, _candidates, ref _rng);
        Decisions++;
        var recorded = record.Decision;
        RecordedUncachedTokens += recorded.Found ? recorded.UncachedTokens : 0;
        OtherUncachedTokens += _other.Found ? _other.UncachedTokens : 0;
        Count(_recordedAt, recorded);
        Count(_otherAt, _other);
        if (_other.Replica != recorded.Replica)
        {
            Different++;
            if (_examples.Count < ExamplesMax)
            {
                _examples.Add(new PlacementDifference(Decisions, record.At, record.Id, recorded, _other));
            }
        }
    }

    /// <summary>What did happen, which it learns from.</summary>
    internal void Hear(PoolLogRecord record, PoolRouter router)
    {
        if (!record.IsDecision)
        {
            Policy.Happened(record.Event, record.Prompt.Prefix, router.State);
        }
        else if (record.Decision.Found)
        {
            var request = record.Request;
            Policy.Happened(
                PoolEvent.Dispatched(in request, record.Decision), record.Prompt.Prefix, router.State);
        }
    }

    private static void Count(long[] byReplica, in RouteDecision decision)
    {
        if (decision.Found)
        {
            byReplica[decision.Replica]++;
        }
    }
}

/// <summary>A request that another policy would have sent elsewhere.</summary>
/// <param name="Number">Which decision of the log, from 1.</param>
/// <param name="At">When it was made, on the log's clock.</param>
/// <param name="Id">The name of its request; 0 for none.</param>
/// <param name="Recorded">Where it was sent.</param>
/// <param name="Other">Where the other policy would have sent it.</param>
public sealed record PlacementDifference(
    long Number, Instant At, ulong Id, RouteDecision Recorded, RouteDecision Other);
