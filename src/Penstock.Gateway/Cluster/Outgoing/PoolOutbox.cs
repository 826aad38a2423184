using Penstock.Core.Prefixes;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Cluster.Outgoing;

/// <summary>
/// Where a pool says what happens in it. Cheap enough for the path of a request: a load is four additions, a chain one
/// copy; nothing waits for a peer, nothing is allocated.
/// </summary>
/// <remarks>
/// <see cref="LoadChanged"/> and <see cref="Dispose"/> one call at a time, as under the pool's lock; the others from
/// any thread, best outside it.
/// </remarks>
/// <param name="ring">Takes what happens.</param>
/// <param name="replicas">The replicas by slot.</param>
/// <param name="keyed">The same under the name by which prompts are told.</param>
internal sealed class PoolOutbox(RouteRing ring, OutboxReplica?[] replicas, OutboxReplica?[] keyed) : IDisposable
{
    private readonly Load[] _told = new Load[replicas.Length];

    /// <summary>What this gateway has in flight at the replica in <paramref name="slot"/>, as it is now.</summary>
    public void LoadChanged(int slot, int inFlight, long prefillTokens, long decodeTokens)
    {
        if (replicas[slot] is { } replica)
        {
            ref var told = ref _told[slot];
            var now = new Load(inFlight, prefillTokens, decodeTokens);
            if (now != told)
            {
                replica.Add(
                    inFlight - told.InFlight, prefillTokens - told.PrefillTokens, decodeTokens - told.DecodeTokens);
                told = now;
            }
        }
    }

    /// <summary>A prompt was routed to the replica in <paramref name="slot"/>.</summary>
    /// <param name="slot">The replica.</param>
    /// <param name="chain">The prompt's chain, from its first block; copied.</param>
    public void Routed(int slot, ReadOnlySpan<ulong> chain)
    {
        if (keyed[slot] is { } replica && !chain.IsEmpty)
        {
            ring.Add(NewsKind.Routed, replica, chain);
        }
    }

    /// <summary>A prompt that was routed to the replica in <paramref name="slot"/> was answered, with what its engine
    /// reported.</summary>
    public void Answered(int slot, in PromptPrefix prompt, in CacheReport report)
    {
        if (keyed[slot] is { } replica && !prompt.Blocks.IsEmpty && prompt.HasEnd
            && prompt.Blocks.Length <= PeerFormat.BlocksMax && report is { Completed: true, PromptTokens: > 0 })
        {
            ring.Add(replica, new PeerAnswer(
                prompt.Blocks.Length, prompt.Blocks[^1], report.PromptTokens, report.OutputTokens, prompt.Length,
                prompt.Marks[^1].Hash));
        }
    }

    /// <summary>The replica in <paramref name="slot"/> was seen to have lost its cache.</summary>
    public void CacheLost(int slot)
    {
        if (replicas[slot] is { } replica)
        {
            ring.Add(NewsKind.CacheLost, replica);
        }
    }

    public void Dispose()
    {
        for (var slot = 0; slot < replicas.Length; slot++)
        {
            LoadChanged(slot, 0, 0, 0);
        }
    }

    private readonly record struct Load(int InFlight, long PrefillTokens, long DecodeTokens);
}
