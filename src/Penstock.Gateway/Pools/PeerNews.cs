using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Gateway.Cluster;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Pools;

/// <summary>
/// Tells the pools what other gateways say. Pools and replicas are the same where their names are; what is said of
/// others is left aside. Thread-safe.
/// </summary>
internal sealed class PeerNews(FleetRuntime fleet) : IPeerSink
{
    public void PeerLoad(
        PeerNode node, string pool, string replica, int inFlight, long prefillTokens, long decodeTokens, Instant at)
    {
        if (fleet.Current.Find(pool) is { } here && here.SlotOf(replica) is var slot and >= 0)
        {
            var share = new PeerShare(inFlight, prefillTokens, decodeTokens);
            here.Tell(PoolEvent.PeerLoad(at, slot, node.Seat, in share));
        }
    }

    public void PeerPrefix(
        PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, long tokens, Instant at)
    {
        if (fleet.Current.Find(pool) is { } here && here.SlotOf(replica) is var slot and >= 0)
        {
            here.Tell(PoolEvent.PeerPrefix(at, slot, node.Seat), new PromptPrefix { Blocks = blocks });
        }
    }

    public void PeerAnswered(
        PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer, Instant at)
    {
        if (fleet.Current.Find(pool) is { } here && here.SlotOf(replica) is var slot and >= 0)
        {
            var mark = new PromptMark(answer.End, answer.Hash);
            var prompt = new PromptPrefix { Blocks = blocks, Marks = new(in mark), Length = answer.End };
            here.Tell(
                PoolEvent.PeerAnswered(at, slot, node.Seat, answer.PromptTokens, answer.AnswerTokens), in prompt);
        }
    }

    public void PeerCacheLost(PeerNode node, string pool, string replica, Instant at)
    {
        if (fleet.Current.Find(pool) is { } here && here.SlotOf(replica) is var slot and >= 0)
        {
            here.Tell(PoolEvent.CacheLost(at, slot));
        }
    }

    /// <summary>Not acted on: every gateway sees for itself whom it can reach.</summary>
    public void PeerHealth(PeerNode node, string pool, string replica, bool ejected, Instant at)
    {
    }

    public void PeerHeard(PeerNode node, Instant at)
    {
        foreach (var pool in fleet.Current.Pools)
        {
            pool.Tell(PoolEvent.PeerHeard(at, node.Seat));
        }
    }

    public void PeerGone(PeerNode node, Instant at)
    {
        foreach (var pool in fleet.Current.Pools)
        {
            pool.Tell(PoolEvent.PeerGone(at, node.Seat));
        }
    }
}
