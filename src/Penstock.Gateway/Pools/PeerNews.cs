using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Cluster;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Pools;

/// <summary>
/// Tells the pools what other gateways say. Pools and replicas are the same where their names are, and prompts where
/// they are known by the same keys; what is said of others is left aside. Thread-safe.
/// </summary>
/// <param name="fleet">The pools of now.</param>
internal sealed class PeerNews(Func<Fleet> fleet) : IPeerSink
{
    public void PeerLoad(
        PeerNode node, string pool, string replica, int inFlight, long prefillTokens, long decodeTokens, Instant at)
    {
        if (fleet().Find(pool) is { } here && here.SlotOf(replica) is var slot and >= 0)
        {
            var share = new PeerShare(inFlight, prefillTokens, decodeTokens);
            here.Tell(PoolEvent.PeerLoad(at, slot, node.Seat, in share));
        }
    }

    public void PeerPrefix(PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, Instant at)
    {
        if (fleet().FindKeyed(pool) is { } here && here.SlotOf(replica) is var slot and >= 0)
        {
            here.Tell(PoolEvent.PeerPrefix(at, slot, node.Seat), new PromptPrefix { Blocks = blocks });
        }
    }

    public void PeerAnswered(
        PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer, Instant at)
    {
        if (fleet().FindKeyed(pool) is { } here && here.SlotOf(replica) is var slot and >= 0)
        {
            var mark = new PromptMark(answer.End, answer.Hash);
            var prompt = new PromptPrefix { Blocks = blocks, Marks = new(in mark), Length = answer.End };
            here.Tell(
                PoolEvent.PeerAnswered(at, slot, node.Seat, answer.PromptTokens, answer.AnswerTokens), in prompt);
        }
    }

    public void PeerCacheLost(PeerNode node, string pool, string replica, Instant at)
    {
        // An engine whose events come here without a gap says so itself, and nobody else knows better.
        if (fleet().Find(pool) is { } here && here.Slots is var slots
            && slots.SlotOf(replica) is var slot and >= 0 && slots[slot].Cache.Age().State != FeedState.Live)
        {
            here.Tell(PoolEvent.CacheLost(at, slot));
            slots[slot].LostCacheSays(node.Name);
        }
    }

    public void PeerHeard(PeerNode node, Instant at) => TellAll(PoolEvent.PeerHeard(at, node.Seat));

    public void PeerGone(PeerNode node, Instant at) => TellAll(PoolEvent.PeerGone(at, node.Seat));

    /// <summary>A fault in one pool keeps the news from no other.</summary>
    private void TellAll(in PoolEvent happened)
    {
        List<Exception>? faults = null;
        foreach (var pool in fleet().Pools)
        {
            try
            {
                pool.Tell(in happened);
            }
#pragma warning disable CA1031 // Thrown once all have been told.
            catch (Exception e)
#pragma warning restore CA1031
            {
                (faults ??= []).Add(e);
            }
        }

        if (faults is not null)
        {
            throw new AggregateException(faults);
        }
    }
}
