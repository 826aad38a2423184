namespace Penstock.Core.KvSync;

/// <summary>
/// Where in a publisher's numbering we are. Publishers number batches from 0 within one process and name no epoch, so
/// that a restart shows as a number that should not come again. Over one connection live numbers only rise; numbers
/// from a replay may run ahead of the live ones, which then are duplicates until they catch up. A value: each step
/// gives the next.
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

    /// <summary>As if all batches before <paramref name="number"/> were known.</summary>
    public static KvSequence StartingAt(ulong number) => new(number, true, 0, number);

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

        return number >= LiveFloor && number < ReplayedTo ? KvStep.Duplicate : KvStep.Rollback;
    }

    /// <summary>A live batch was taken, or dropped as a duplicate.</summary>
    public KvSequence Taken(ulong number) =>
        this with { Next = Math.Max(Next, number + 1), IsStarted = true, LiveFloor = number + 1 };

    /// <summary>A batch out of a replay was taken.</summary>
    public KvSequence Replayed(ulong number) =>
        this with
        {
            Next = Math.Max(Next, number + 1), IsStarted = true, ReplayedTo = Math.Max(ReplayedTo, number + 1),
        };

    /// <summary>A new connection to the publisher: live numbers below what is known are those of a new process. What
    /// a replay over this connection adds may be heard again.</summary>
    public KvSequence Reconnected() => this with { ReplayedTo = Next, LiveFloor = Next };
}
