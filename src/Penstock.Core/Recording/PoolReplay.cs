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
    /// <exception cref="InvalidDataException">The bytes are no log of this format, begin with a state of another build,
    /// name a policy that is not known, or do not add up.</exception>
    /// <remarks>What is whole by its checksums and yet not what a writer wrote may end with any other exception
    /// too.</remarks>
    public static ReplayResult Run(ReadOnlySpan<byte> log, RoutePolicy? other = null)
    {
        var header = ReadHeader(ref log);
        var router = MakeRouter(header);
        var comparison = other is null ? null : new PolicyComparison(header, other);
        var result = new ReplayResult(header) { Comparison = comparison };
        var decoder = new PoolLogDecoder();
        var kind = LoadState(router, header, ref log);
        while (kind == ChunkKind.Whole && (kind = LogChunk.Take(ref log, out var payload)) == ChunkKind.Whole)
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

        result.IsTorn = kind == ChunkKind.Torn;
        result.IsDamaged = kind == ChunkKind.Damaged;
        result.UnreadBytes = log.Length;
        return result;
    }

    /// <summary>What a log says of itself.</summary>
    /// <exception cref="InvalidDataException">The bytes do not begin with a header of this format.</exception>
    public static PoolLogHeader HeaderOf(ReadOnlySpan<byte> log) => ReadHeader(ref log);

    private static PoolLogHeader ReadHeader(ref ReadOnlySpan<byte> log)
    {
        if (LogChunk.Take(ref log, out var payload) == ChunkKind.Whole)
        {
            return PoolLogHeader.Read(payload);
        }

        throw PoolLogHeader.OlderFormatOf(log) is > 0 and var format
            ? PoolLogHeader.Refusal((ulong)format)
            : new InvalidDataException("this is not a decision log, or its beginning is damaged");
    }

    private static PoolRouter MakeRouter(PoolLogHeader header)
    {
        var policy = RoutePolicies.Create(header.Policy)
            ?? throw new InvalidDataException($"the log's policy, {header.Policy}, is not known here");
        if (header.HasCheckpoint && header.Program != BuildName.Text)
        {
            throw new InvalidDataException(
                "the log begins with a state, which only the build that wrote it can read: "
                + $"that was {header.Program}, this is {BuildName.Text}");
        }

        return new PoolRouter(new PoolState(header.Options), policy, header.Seed);
    }

    /// <summary>Puts the router into the state that the log begins with; not whole where the log ends before.</summary>
    private static ChunkKind LoadState(PoolRouter router, PoolLogHeader header, ref ReadOnlySpan<byte> log)
    {
        if (!header.HasCheckpoint)
        {
            return ChunkKind.Whole;
        }

        var state = new byte[Math.Min(header.StateBytes, log.Length)];
        var left = state.AsSpan();
        for (var missing = header.StateBytes; missing > 0;)
        {
            var kind = LogChunk.Take(ref log, out var piece);
            if (kind != ChunkKind.Whole)
            {
                return kind == ChunkKind.End ? ChunkKind.Torn : kind;
            }

            if (piece.Length > left.Length)
            {
                throw new InvalidDataException("the state is longer than the log says");
            }

            piece.CopyTo(left);
            left = left[piece.Length..];
            missing -= piece.Length;
        }

        var reader = new StateReader(state);
        router.Load(ref reader);
        return ChunkKind.Whole;
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
                result.Decisions, record.At, record.Id, record.Decision, decision, print != record.CostPrint);
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

    /// <summary>What follows the last whole chunk is not what was written there: nothing more can be said.</summary>
    public bool IsDamaged { get; internal set; }

    /// <summary>Bytes that were not looked at, because the log is torn or damaged before them.</summary>
    public long UnreadBytes { get; internal set; }

    /// <summary>The first decision that came out otherwise; null where all came out the same.</summary>
    public ReplayDifference? Difference { get; internal set; }

    /// <summary>What the other policy would have done, up to a difference; null where none was asked.</summary>
    public PolicyComparison? Comparison { get; internal init; }
}

/// <summary>A decision that came out otherwise.</summary>
/// <param name="Number">Which decision of the log, from 1.</param>
/// <param name="At">When it was made, on the log's clock.</param>
/// <param name="Id">The name of its request; 0 for none.</param>
/// <param name="Recorded">As the log has it.</param>
/// <param name="Replayed">As it came out.</param>
/// <param name="CostsDiffer">The costs of the candidates differ too.</param>
public sealed record ReplayDifference(
    long Number, Instant At, ulong Id, RouteDecision Recorded, RouteDecision Replayed, bool CostsDiffer);
