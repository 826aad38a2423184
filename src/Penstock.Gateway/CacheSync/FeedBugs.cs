namespace Penstock.Gateway.CacheSync;

/// <summary>Bugs that surface while something is learned of one replica: counted, told to people, and gone on from.
/// Thread-safe.</summary>
/// <param name="tell">Tells people; called under no lock.</param>
internal sealed class FeedBugs(Action<Exception> tell)
{
    private long _count;

    /// <summary>How many there were.</summary>
    public long Count => Volatile.Read(ref _count);

    public void Surfaced(Exception bug)
    {
        Interlocked.Increment(ref _count);
        tell(bug);
    }
}
