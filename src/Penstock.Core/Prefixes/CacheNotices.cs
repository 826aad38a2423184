using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What engines say themselves of the blocks that they store and drop, where prompts are keyed by tokens; and the store
/// that all replicas share, which is known by what was said of it alone.
/// </summary>
internal sealed class CacheNotices(BlockHolders blocks, CacheLists lists, PrefixKeying keying)
{
    /// <summary>What the shared store holds, as if it were one replica's; null before anything was said of
    /// it.</summary>
    public PrefixIndex? SharedStore { get; private set; }

    /// <summary>Adds what the shared store holds of a prompt to what replicas hold themselves.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="lengths">Its lengths.</param>
    /// <param name="matches">What each replica holds of it.</param>
    /// <param name="matched">Room for a count.</param>
    public void AddShared(
        in PromptPrefix prompt, PromptLengths lengths, Span<PrefixMatch> matches, Span<int> matched)
    {
        if (SharedStore is not { } store)
        {
            return;
        }

        store.Match(prompt.Blocks, matched);
        var tokens = Math.Min(lengths.At((long)matched[0] * keying.BlockLength), lengths.Total - 1);
        foreach (ref var match in matches)
        {
            match.Shared = Math.Max(0, tokens - match.Tokens);
        }
    }

    public void Stored(int replica, CacheTier tier, ReadOnlySpan<ulong> hashes, long tokensEach)
    {
        if (tier == CacheTier.Shared)
        {
            SharedStore ??= NewStore();
            SharedStore.Stored(0, CacheTier.Device, hashes);
            return;
        }

        for (var i = hashes.Length - 1; i >= 0; i--)
        {
            Store(replica, tier, hashes[i], tokensEach);
        }
    }

    public void Removed(int replica, CacheTier tier, ReadOnlySpan<ulong> hashes)
    {
        if (tier == CacheTier.Shared)
        {
            SharedStore?.Removed(0, CacheTier.Device, hashes);
            return;
        }

        foreach (var hash in hashes)
        {
            var at = blocks.Find(hash, replica);
            if (at != BlockHolders.None && blocks[at].Tier == tier && !blocks[at].IsPinned)
            {
                lists.Remove(replica, at);
            }
        }
    }

    public void Save(StateWriter to)
    {
        to.Write(SharedStore is not null);
        SharedStore?.Save(to);
    }

    public void Load(ref StateReader from)
    {
        SharedStore = from.Read<bool>() ? NewStore() : null;
        SharedStore?.Load(ref from);
    }

    private PrefixIndex NewStore() => new(1, blocks.BlocksPerReplica, keying);

    /// <summary>What is stored in a lower tier and lies in the accelerator's memory too counts there alone.</summary>
    private void Store(int replica, CacheTier tier, ulong hash, long tokens)
    {
        var at = blocks.Find(hash, replica);
        var isNew = at == BlockHolders.None;
        if (isNew && !lists.TryAdd(replica, hash, tier == CacheTier.Device ? tokens : 0, out at))
        {
            return;
        }

        if (tier == CacheTier.Device)
        {
            lists.Pin(replica, at, tokens, isNew);
            lists.Unpin(replica, at, tokens, confirms: true);
        }
        else if (isNew && !lists.TryStore(replica, at, tier, tokens))
        {
            blocks.Remove(at, replica);
        }
    }
}
