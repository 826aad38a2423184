namespace Penstock.Wire.Peers;

/// <summary>A replica as a stream names it.</summary>
public sealed record PeerReplica(int Id, string Pool, string Name);

/// <summary>Who takes what a peer says, frame by frame, in order.</summary>
public interface IPeerFrames
{
    void Hello(long epoch, string node);

    /// <param name="nanoseconds">The sender's monotonic clock; never less than before.</param>
    void Heartbeat(long nanoseconds);

    void Load(PeerReplica replica, int inFlight, long prefillTokens, long decodeTokens);

    /// <param name="replica">Where the prompt was routed.</param>
    /// <param name="blocks">Its whole chain; valid during the call.</param>
    void Prefix(PeerReplica replica, ReadOnlySpan<ulong> blocks);

    /// <param name="replica">Where the prompt was answered.</param>
    /// <param name="blocks">Its whole chain, which was told before; valid during the call.</param>
    /// <param name="answer">What came of it.</param>
    void Answered(PeerReplica replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer);

    void CacheLost(PeerReplica replica);

    void Goodbye();
}
