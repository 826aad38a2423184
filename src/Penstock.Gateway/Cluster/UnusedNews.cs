using Penstock.Core.Primitives;

namespace Penstock.Gateway.Cluster;

/// <summary>Takes what other gateways say where nothing decides by it: it is shown, and that is all.</summary>
internal sealed class UnusedNews : IPeerSink
{
    public void PeerLoad(
        PeerNode node, string pool, string replica, int inFlight, long prefillTokens, long decodeTokens, Instant at)
    {
    }

    public void PeerPrefix(
        PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, long tokens, Instant at)
    {
    }

    public void PeerCacheLost(PeerNode node, string pool, string replica, Instant at)
    {
    }

    public void PeerHealth(PeerNode node, string pool, string replica, bool ejected, Instant at)
    {
    }

    public void PeerHeard(PeerNode node, Instant at)
    {
    }

    public void PeerGone(PeerNode node, Instant at)
    {
    }
}
