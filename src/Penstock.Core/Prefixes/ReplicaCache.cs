using System.Diagnostics.CodeAnalysis;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>The tokens that one tier of a replica holds, in the order of their last use.</summary>
internal struct TierList
{
    public int Newest;
    public int Oldest;

    /// <summary>With those that requests hold.</summary>
    public long Tokens;
    public long Capacity;

    /// <summary>Tokens that it takes in and gives nothing up.</summary>
    public readonly int Room => (int)Math.Clamp(Capacity - Tokens, 0, int.MaxValue);

    public void LinkNewest(BlockHolders blocks, int at)
    {
        ref var block = ref blocks[at];
        block.Newer = BlockHolders.None;
        block.Older = Newest;
        if (Newest != BlockHolders.None)
        {
            blocks[Newest].Newer = at;
        }
        else
        {
            Oldest = at;
        }

        Newest = at;
    }

    [UnscopedRef]
    public void Unlink(BlockHolders blocks, int at)
    {
        ref var block = ref blocks[at];
        (block.Newer != BlockHolders.None ? ref blocks[block.Newer].Older : ref Newest) = block.Older;
        (block.Older != BlockHolders.None ? ref blocks[block.Older].Newer : ref Oldest) = block.Newer;
    }

    /// <summary>What is left of a run that loses its beginning begins one itself.</summary>
    public static void PassOn(BlockHolders blocks, int at)
    {
        if (blocks[at].BeginsRun && blocks[at].Older != BlockHolders.None)
        {
            blocks[blocks[at].Older].BeginsRun = true;
        }
    }
}

/// <summary>The cache of one replica.</summary>
internal struct ReplicaCache
{
    /// <summary>Tokens in a block of the engine's.</summary>
    public int BlockTokens;

    /// <summary>Of the oldest block a part may be lost already: its hash, and how many of its tokens.</summary>
    public int PartialLost;
    public ulong Partial;

    public TierList Device;
    public TierList Host;
    public TierList Disk;

    /// <summary>Counts how often everything was forgotten: what was held before is not to be given back.</summary>
    public int Generation;

    /// <summary>When a request was sent that did not find what it should have, and no other has since; zero where there
    /// is no such doubt.</summary>
    public Instant DoubtedSince;

    /// <summary>Blocks times requests that hold them.</summary>
    public long Pins;

    /// <summary>Times that there was no room because requests held everything.</summary>
    public long Overflows;

    /// <summary>It loses all that one request added at once.</summary>
    public bool LosesRuns;

    /// <summary>It was started without prefix caching.</summary>
    public bool IsOff;

    /// <summary>Its word counts for nothing beyond itself.</summary>
    public bool IsDistrusted;

    /// <summary>What was learned of its shape.</summary>
    public LearnedShape Learned;

    private const int PagedBlockTokens = 16;

    /// <summary>The capacity while nothing is known of it.</summary>
    public const long Unbounded = long.MaxValue / 4;

    public readonly long Capacity => Device.Capacity;

    public readonly bool HasCapacity => Device.Capacity < Unbounded;

    /// <summary>Nothing of it is lost in part, and it has one tier.</summary>
    public readonly bool IsPlain => PartialLost == 0 && LowerCapacity == 0;

    public readonly long LowerCapacity => Host.Capacity + Disk.Capacity;

    /// <summary>Tokens that fit into all tiers of its own.</summary>
    public readonly long AllCapacity => Capacity + LowerCapacity;

    /// <summary>The lowest tier that holds something which no request does; a store that all share where none does.
    /// </summary>
    public readonly CacheTier Lowest =>
        Disk.Oldest != BlockHolders.None ? CacheTier.Disk
        : Host.Oldest != BlockHolders.None ? CacheTier.Host
        : Device.Oldest != BlockHolders.None ? CacheTier.Device
        : CacheTier.Shared;

    /// <summary>What is known of it now; an engine that pages and does not say how has vLLM's own blocks. What leaves a
    /// sequence goes to the host's memory whole, and is in no list (<see cref="SavedPrompts"/>).</summary>
    public void Shape(in CacheShape shape)
    {
        Device.Capacity = shape.CapacityTokens > 0 ? shape.CapacityTokens : Unbounded;
        Host.Capacity = shape.Kind == CacheKind.Slots ? 0 : shape.HostTokens;
        Disk.Capacity = shape.DiskTokens;
        LosesRuns = shape.Kind == CacheKind.Radix;
        IsOff = shape.Kind == CacheKind.Off;
        BlockTokens = shape.BlockTokens > 0 ? shape.BlockTokens : shape.Kind == CacheKind.Paged ? PagedBlockTokens : 1;
    }

    /// <summary>Nothing is held any more.</summary>
    public void Forget()
    {
        Device = new TierList { Capacity = Device.Capacity };
        Host = new TierList { Capacity = Host.Capacity };
        Disk = new TierList { Capacity = Disk.Capacity };
        Partial = 0;
        PartialLost = 0;
        Pins = 0;
        DoubtedSince = default;
        Generation++;
    }

    [UnscopedRef]
    public ref TierList this[CacheTier tier]
    {
        get
        {
            switch (tier)
            {
                case CacheTier.Device:
                    return ref Device;
                case CacheTier.Host:
                    return ref Host;
                default:
                    return ref Disk;
            }
        }
    }
}
