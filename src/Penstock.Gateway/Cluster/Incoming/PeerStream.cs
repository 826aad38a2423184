using System.IO.Pipelines;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Cluster.Incoming;

/// <summary>One stream of another gateway, from the moment it was let in to its end.</summary>
internal sealed class PeerStream(PeerView view, PeerViews views, ClusterCounters counters, Action abort) : IPeerFrames
{
    private readonly PeerDecoder _decoder = new();
    private bool _otherSender;
    private bool _left;

    /// <summary>Reads until the stream ends; says what was wrong with it.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="OperationCanceledException">The stream was cut.</exception>
    public async Task<PeerFailure> RunAsync(PipeReader body, CancellationToken cut)
    {
        while (true)
        {
            var read = await body.ReadAsync(cut);
            var rest = read.Buffer;
            var frames = _decoder.Frames;
            var failure = _decoder.Read(ref rest, this);
            counters.Received(_decoder.Frames - frames, read.Buffer.Length - rest.Length);
            body.AdvanceTo(rest.Start, read.Buffer.End);
            if (failure != PeerFailure.None || _otherSender || _left || read.IsCompleted)
            {
                return _otherSender ? PeerFailure.OutOfOrder : failure;
            }
        }
    }

    /// <summary>Cuts the stream.</summary>
    public void End() => abort();

    /// <summary>It is over: it speaks for the node no longer.</summary>
    public void Release() => view.Release(this);

    // Who speaks was proved when the stream was opened: the greeting must be of the same.
    void IPeerFrames.Hello(long epoch, string node) => _otherSender = node != view.Node.Name || epoch != view.Epoch;

    void IPeerFrames.Heartbeat(long nanoseconds)
    {
        if (!_otherSender)
        {
            view.Heartbeat(this, nanoseconds, views.Now);
        }
    }

    void IPeerFrames.Load(PeerReplica replica, int inFlight, long prefillTokens, long decodeTokens) =>
        view.Load(this, replica, new PeerLoad(inFlight, prefillTokens, decodeTokens));

    void IPeerFrames.Prefix(PeerReplica replica, ReadOnlySpan<ulong> blocks) => view.Prefix(this, replica, blocks);

    void IPeerFrames.Answered(PeerReplica replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer) =>
        view.Answered(this, replica, blocks, in answer);

    void IPeerFrames.CacheLost(PeerReplica replica) => view.CacheLost(this, replica);

    void IPeerFrames.Goodbye()
    {
        _left = true;
        view.Goodbye(this, views.Now);
    }
}
