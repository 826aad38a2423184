namespace Penstock.Tests.Shared;

/// <summary>What a piece of work allocates.</summary>
internal static class Allocation
{
    private const int Readings = 5;

    /// <summary>Bytes that <paramref name="work"/> allocates on this thread: the least of several readings. What it
    /// allocates itself is in every one; a collection that another test sets off can put a few bytes into one.
    /// </summary>
    public static long Of(Action work)
    {
        var least = long.MaxValue;
        for (var i = 0; i < Readings; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
