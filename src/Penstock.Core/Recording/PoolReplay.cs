using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Recording;

/// <summary>
/// Lets a router live through a log again and holds every decision against the recorded one.
/// </summary>
public static class PoolReplay
{
    /// <summary>Replays one log, to its end or to the first decision that comes out otherwise.</summary>
    /// <param name="log">The bytes of the log.</param>
    /// <param name="other">A policy that is asked about every decision too; what it says is not carried out.</param>
    /// <exception cref="InvalidDataException">The bytes are no log of this format, name a policy that is not known, or
    /// do not add up.</exception>
    public static ReplayResult Run(ReadOnlySpan<byte> log, RoutePolicy? other = null)
    {
        var header = ReadHeader(ref log);
        var router = MakeRouter(header, ref log);
        var comparison = other is null ? null : new PolicyComparison(header, other);
        var result = new ReplayResult(header);
        var decoder = new PoolLogDecoder();
        while (LogChunk.TryTake(ref log, out var payload))
        {
            var fields = new FieldReader(payload);
            while (!fields.AtEnd)
            {
                var record = decoder.Read(ref fields);
                if (record.IsDecision)
                {
                    comparison?.Ask(record, router);
                    Decide(record, router, decoder, result);
                    comparison?.Hear(record, router);
                }
                else
                {
                    result.Events++;
                    router.Tell(record.Event, record.Prompt.Prefix);
                    comparison?.Hear(record, router);
                }

                if (result.Difference is not null)
                {
                    return result;
                }
            }
        }

        result.IsTorn = !log.IsEmpty;
        result.Comparison = comparison;
        return result;
    }

    /// <summary>What a log says of itself.</summary>
    /// <exception cref="InvalidDataException">The bytes do not begin with a header of this format.</exception>
    public static PoolLogHeader HeaderOf(ReadOnlySpan<byte> log) => ReadHeader(ref log);

    private static PoolLogHeader ReadHeader(ref ReadOnlySpan<byte> log) =>
        LogChunk.TryTake(ref log, out var payload)
            ? PoolLogHeader.Read(payload)
            : throw new InvalidDataException("this is not a decision log, or its beginning is damaged");

    private static PoolRouter MakeRouter(PoolLogHeader header, ref ReadOnlySpan<byte> log)
    {
        var policy = RoutePolicies.Create(header.Policy)
            ?? throw new InvalidDataException($"the log's policy, {header.Policy}, is not known here");
        var router = new PoolRouter(new PoolState(header.Options), policy, header.Seed);
        if (header.HasCheckpoint)
        {
            if (!LogChunk.TryTake(ref log, out var state))
            {
                throw new InvalidDataException("the state that the log begins with is cut short");
            }

            var reader = new StateReader(state);
            router.Load(ref reader);
        }

        return router;
    }

    private static void Decide(
        PoolLogRecord record, PoolRouter router, PoolLogDecoder decoder, ReplayResult result)
    {
        result.Decisions++;
        var request = record.Request;
        var decision = router.Route(in request, out var ticket);
        if (decision.Found)
        {
            decoder.Dispatched(ticket, record.Prompt);
        }

        var print = CostPrint.Of(router.Candidates);
        if (decision != record.Decision || print != record.CostPrint)
        {
            result.Difference = new ReplayDifference(
                result.Decisions, record.At, record.Decision, decision, CostsDiffer: print != record.CostPrint);
        }
    }
}

/// <summary>What came of a replay.</summary>
public sealed class ReplayResult(PoolLogHeader header)
{
    public PoolLogHeader Header { get; } = header;

    /// <summary>Decisions that were made again.</summary>
    public long Decisions { get; internal set; }

    public long Events { get; internal set; }

    /// <summary>The log ends in the middle of a chunk: what came after was not written.</summary>
    public bool IsTorn { get; internal set; }

    /// <summary>The first decision that came out otherwise; null where all came out the same.</summary>
    public ReplayDifference? Difference { get; internal set; }

    /// <summary>What the other policy would have done; null where none was asked.</summary>
    public PolicyComparison? Comparison { get; internal set; }
}

/// <summary>A decision that came out otherwise.</summary>
/// <param name="Number">Which decision of the log, from 1.</param>
/// <param name="At">When it was made.</param>
/// <param name="Recorded">As the log has it.</param>
/// <param name="Replayed">As it came out.</param>
/// <param name="CostsDiffer">The costs of the candidates differ too.</param>
public sealed record ReplayDifference(
    long Number, Instant At, RouteDecision Recorded, RouteDecision Replayed, bool CostsDiffer);
