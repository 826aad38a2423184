namespace Penstock.Core.KvSync;

/// <summary>
/// Where in a publisher's numbering we are. Publishers number batches from 0 within one process and name no epoch, so
/// that a restart shows as a number that should not come again. Over one connection live numbers only rise; numbers
/// from a replay may run ahead of the live ones, which then are duplicates until they catch up. A value: each step
/// gives the next. A number that was passed over and comes after all over the same connection is late, not new: a
/// process takes its connection with it.
/// </summary>
/// <param name="Next">The number expected next; 0 before anything was heard.</param>
/// <param name="IsStarted">True once a batch was taken.</param>
/// <param name="ReplayedTo">Live batches of this connection below this number are duplicates: a replay had them.
/// </param>
/// <param name="LiveFloor">Live batches of this connection below this number do not come again.</param>
public readonly record struct KvSequence(ulong Next, bool IsStarted, ulong ReplayedTo, ulong LiveFloor)
{
    /// <summary>The number that publishers send where a replay ends; never that of a batch.</summary>
    public const ulong End = ulong.MaxValue;

    /// <summary>A batch can be late by so many numbers at most, where several were passed over one after the other.
    /// </summary>
    private const ulong LateMax = 256;

    /// <summary>Live batches of this connection from this number on, and below <see cref="SkippedTo"/>, were passed
    /// over, some of them at least.</summary>
    private ulong SkippedFrom { get; init; }

    private ulong SkippedTo { get; init; }

    /// <summary>As if all batches before <paramref name="number"/> were known.</summary>
    /// <param name="number">The first one that is expected.</param>
    /// <param name="skippedFrom">The number expected before, on the same connection, where some were given up.</param>
    public static KvSequence StartingAt(ulong number, ulong skippedFrom = ulong.MaxValue) =>
        new(number, true, 0, number) { SkippedFrom = Math.Min(skippedFrom, number), SkippedTo = number };

    /// <summary>How a live batch numbered <paramref name="number"/> follows.</summary>
    public KvStep After(ulong number)
    {
        if (!IsStarted)
        {
            return number == 0 ? KvStep.InOrder : KvStep.StartedInTheMiddle;
        }

        if (number >= Next)
        {
            return number == Next ? KvStep.InOrder : KvStep.Gap;
        }

        return (number >= LiveFloor && number < ReplayedTo) || (number >= SkippedFrom && number < SkippedTo)
            ? KvStep.Duplicate
            : KvStep.Rollback;
    }

    /// <summary>A live batch was taken, or dropped as a duplicate.</summary>
    public KvSequence Taken(ulong number)
    {
        if (number < LiveFloor)
        {
            // A late one: what is expected next stays.
            return this;
        }

        var skipped = number > LiveFloor && IsStarted;
        return this with
        {
            Next = Math.Max(Next, number + 1),
            IsStarted = true,
            LiveFloor = number + 1,
            SkippedFrom = !skipped || (SkippedTo > 0 && SkippedFrom + LateMax > number) ? SkippedFrom : LiveFloor,
            SkippedTo = skipped ? number : SkippedTo,
        };
    }

    /// <summary>A batch out of a replay was taken.</summary>
    public KvSequence Replayed(ulong number) =>
        this with
        {
            Next = Math.Max(Next, number + 1), IsStarted = true, ReplayedTo = Math.Max(ReplayedTo, number + 1),
        };

    /// <summary>A new connection to the publisher: live numbers below what is known are those of a new process. What
    /// a replay over this connection adds may be heard again.</summary>
    public KvSequence Reconnected() =>
        this with { ReplayedTo = Next, LiveFloor = Next, SkippedFrom = 0, SkippedTo = 0 };
}
