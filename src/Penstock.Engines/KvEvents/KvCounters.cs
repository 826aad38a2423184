namespace Penstock.Engines.KvEvents;

/// <summary>What a subscription has seen since it was made. Only ever grows; may be read from any thread.</summary>
public sealed class KvCounters
{
    private long _batches;
    private long _blocks;
    private long _unknown;
    private long _broken;
    private long _duplicates;
    private long _gaps;
    private long _replays;
    private long _forgets;
    private long _faults;
    private long _connections;
    private long _bytes;
    private long _loads;

    /// <summary>Batches handed on, those of replays included.</summary>
    public long Batches => Volatile.Read(ref _batches);

    /// <summary>Blocks in them that the listener read.</summary>
    public long Blocks => Volatile.Read(ref _blocks);

    /// <summary>Events of a type not known here.</summary>
    public long UnknownEvents => Volatile.Read(ref _unknown);

    /// <summary>Events whose fields made no sense.</summary>
    public long BrokenEvents => Volatile.Read(ref _broken);

    /// <summary>Batches that a replay had brought before.</summary>
    public long Duplicates => Volatile.Read(ref _duplicates);

    public long Gaps => Volatile.Read(ref _gaps);

    /// <summary>Replays asked for.</summary>
    public long Replays => Volatile.Read(ref _replays);

    /// <summary>Times that what was learned was void.</summary>
    public long Forgets => Volatile.Read(ref _forgets);

    /// <summary>Publishers cut off for breaking the rules.</summary>
    public long Faults => Volatile.Read(ref _faults);

    /// <summary>Connections that shook hands.</summary>
    public long Connections => Volatile.Read(ref _connections);

    /// <summary>Bytes of batches taken.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Loads that were pushed.</summary>
    public long Loads => Volatile.Read(ref _loads);

    internal void CountBatch(int bytes, int blocks, int unknown, int broken)
    {
        Interlocked.Increment(ref _batches);
        Interlocked.Add(ref _bytes, bytes);
        Interlocked.Add(ref _blocks, blocks);
        Interlocked.Add(ref _unknown, unknown);
        Interlocked.Add(ref _broken, broken);
    }

    internal void CountDuplicate() => Interlocked.Increment(ref _duplicates);

    internal void CountGap() => Interlocked.Increment(ref _gaps);

    internal void CountReplay() => Interlocked.Increment(ref _replays);

    internal void CountForget() => Interlocked.Increment(ref _forgets);

    internal void CountFault() => Interlocked.Increment(ref _faults);

    internal void CountConnection() => Interlocked.Increment(ref _connections);

    internal void CountLoad() => Interlocked.Increment(ref _loads);
}
