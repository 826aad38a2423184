using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What engines say themselves of the blocks that they store and drop, where prompts are keyed by tokens; and the store
/// that all replicas share, which is known by what was said of it alone.
/// </summary>
/// <remarks>What each replica says of the shared store is kept apart: nobody takes away what another one told, what was
/// told goes with its teller, and who is not trusted is not asked.</remarks>
internal sealed class CacheNotices(BlockHolders blocks, CacheLists lists, PrefixKeying keying, int replicas)
{
    /// <summary>Entries of the shared store that all replicas tell of, in entries of one replica, at most.</summary>
    private const int SharedShares = 16;

    /// <summary>Weight of the newest request in what is found of the shared store, and what it is counted on at least:
    /// nothing would show that it is better again.</summary>
    private const double Newest = 0.1;
    private const double SharedFoundMin = 0.02;

    /// <summary>What the shared store holds as each replica says, as if that were the replica's own; null before
    /// anything was said of it.</summary>
    private PrefixIndex? _told;

    /// <summary>Of what it was said to have, the share that was found lately: it is counted on by that.</summary>
    private double _sharedFound = 1;

    /// <summary>Something was said of the shared store.</summary>
    public bool HasShared => _told is not null;

    /// <summary>Adds what the shared store holds of a prompt to what replicas hold themselves.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="lengths">Its lengths.</param>
    /// <param name="matches">What each replica holds of it.</param>
    /// <param name="matched">Room for a count.</param>
    public void AddShared(
        in PromptPrefix prompt, PromptLengths lengths, Span<PrefixMatch> matches, Span<int> matched)
    {
        if (_told is null)
        {
            return;
        }

        _told.Match(prompt.Blocks, matched);
        var most = 0;
        for (var teller = 0; teller < replicas; teller++)
        {
            most = Math.Max(most, lists[teller].IsDistrusted ? 0 : matched[teller]);
        }

        var tokens = Math.Min(lengths.At((long)most * keying.BlockLength), lengths.Total - 1);
        for (var replica = 0; replica < replicas; replica++)
        {
            ref var match = ref matches[replica];
            var beyond = lists[replica].IsOff ? 0 : Math.Clamp(tokens - match.Tokens, 0, int.MaxValue);
            match.Shared = (int)(_sharedFound * beyond);
        }
    }

    /// <summary>So much of what the shared store was said to have beyond a replica's own was found.</summary>
    public void LearnShared(long own, long shared, long found)
    {
        if (shared > 0)
        {
            var share = Math.Clamp((found - own) * _sharedFound / shared, 0, 1);
            _sharedFound = Math.Max(SharedFoundMin, _sharedFound + (Newest * (share - _sharedFound)));
        }
    }

    public void Stored(int replica, CacheTier tier, ReadOnlySpan<ulong> hashes, long tokensEach)
    {
        if (lists[replica].IsOff)
        {
            return;
        }

        if (tier == CacheTier.Shared)
        {
            _told ??= NewStore();
            _told.Stored(replica, CacheTier.Device, hashes);
            return;
        }

        var first = BlockHolders.None;
        for (var i = hashes.Length - 1; i >= 0; i--)
        {
            first = Store(replica, tier, hashes[i], tokensEach) is not BlockHolders.None and var added ? added : first;
        }

        if (first != BlockHolders.None)
        {
            // What is told at once follows each other, and a tree has it as one.
            blocks[first].BeginsRun = true;
        }
    }

    public void Removed(int replica, CacheTier tier, ReadOnlySpan<ulong> hashes)
    {
        if (tier == CacheTier.Shared)
        {
            _told?.Removed(replica, CacheTier.Device, hashes);
            return;
        }

        foreach (var hash in hashes)
        {
            if (blocks.Find(hash, replica) is not BlockHolders.None and var at)
            {
                Remove(replica, tier, at);
            }
        }
    }

    /// <summary>The engine says how many tokens it holds.</summary>
    public void Resident(int replica, CacheTier tier, long tokens)
    {
        if (tier != CacheTier.Shared)
        {
            lists.Trim(replica, tier, tokens);
        }
    }

    /// <summary>Nothing holds any more that a replica said of the shared store: what becomes of it, it cannot say.
    /// </summary>
    public void Forget(int replica) => _told?.Clear(replica);

    public void Save(StateWriter to)
    {
        to.Write(in _sharedFound);
        to.Write(_told is not null);
        _told?.Save(to);
    }

    public void Load(ref StateReader from)
    {
        _sharedFound = from.Read<double>();
        _told = from.Read<bool>() ? NewStore() : null;
        _told?.Load(ref from);
    }

    private PrefixIndex NewStore() => new(
        replicas,
        (int)Math.Clamp((long)blocks.BlocksPerReplica * SharedShares / replicas, 1, blocks.BlocksPerReplica),
        keying);

    /// <summary>What goes from one tier may have a copy below it, told before: engines copy blocks down while they are
    /// in use, and drop them above later.</summary>
    private void Remove(int replica, CacheTier tier, int at)
    {
        ref var block = ref blocks[at];
        if (tier > block.Tier)
        {
            block.SetCopy(tier, has: false);
        }
        else if (tier == block.Tier && !block.IsPinned)
        {
            if (block.Copy is { } below)
            {
                lists.Move(replica, at, below);
            }
            else
            {
                lists.Remove(replica, at);
            }
        }
    }

    /// <summary>What lies in several tiers counts in the fastest of them alone. Returns the place of what is new.
    /// </summary>
    private int Store(int replica, CacheTier tier, ulong hash, long tokens)
    {
        var at = blocks.Find(hash, replica);
        if (at == BlockHolders.None)
        {
            return Add(replica, tier, hash, tokens);
        }

        if (tier == CacheTier.Device)
        {
            lists.Pin(replica, at, tokens);
            lists.Unpin(replica, at, tokens, confirms: true);
        }
        else if (tier > blocks[at].Tier)
        {
            blocks[at].SetCopy(tier, has: true);
        }
        else if (tier < blocks[at].Tier)
        {
            blocks[at].SetCopy(blocks[at].Tier, has: true);
            lists.Move(replica, at, tier);
        }

        return BlockHolders.None;
    }

    /// <summary>Adds a pair. Returns its place; none where there is no room for it.</summary>
    private int Add(int replica, CacheTier tier, ulong hash, long tokens)
    {
        if (tier == CacheTier.Device)
        {
            if (lists.TryHold(replica, hash, tokens, out var held))
            {
                lists.Unpin(replica, held, tokens, confirms: true);
            }

            return held;
        }

        if (lists.TryAdd(replica, hash, 0, out var at) && !lists.TryStore(replica, at, tier, tokens))
        {
            blocks.Remove(at, replica);
            return BlockHolders.None;
        }

        return at;
    }
}
