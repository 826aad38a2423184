namespace Penstock.Gateway.Cluster;

/// <summary>What is counted of the traffic between gateways. Thread-safe.</summary>
internal sealed class ClusterCounters
{
    private long _framesIn;
    private long _framesOut;
    private long _bytesIn;
    private long _bytesOut;
    private long _dropped;
    private long _unlisted;
    private long _refused;
    private long _broken;

    public long FramesIn => Volatile.Read(ref _framesIn);

    public long FramesOut => Volatile.Read(ref _framesOut);

    public long BytesIn => Volatile.Read(ref _bytesIn);

    public long BytesOut => Volatile.Read(ref _bytesOut);

    /// <summary>Prompts that a peer was not told of, because it took its bytes too slowly.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Replicas that are not shared, in either direction, because too many were named.</summary>
    public long Unlisted => Volatile.Read(ref _unlisted);

    /// <summary>Streams that were not let in: wrong secret, other version, older process, too many.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Streams that were ended for what they said.</summary>
    public long Broken => Volatile.Read(ref _broken);

    public void Received(long frames, long bytes)
    {
        Interlocked.Add(ref _framesIn, frames);
        Interlocked.Add(ref _bytesIn, bytes);
    }

    public void Sent(long frames, long bytes)
    {
        Interlocked.Add(ref _framesOut, frames);
        Interlocked.Add(ref _bytesOut, bytes);
    }

    public void Drop(long count) => Interlocked.Add(ref _dropped, count);

    public void Unlist(long count) => Interlocked.Add(ref _unlisted, count);

    public void Refuse() => Interlocked.Increment(ref _refused);

    public void Break() => Interlocked.Increment(ref _broken);
}
