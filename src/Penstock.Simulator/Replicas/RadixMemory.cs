using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>
/// Memory as SGLang keeps it: a radix tree of pages. A prompt enters the tree with each chunk that is computed, prompt
/// and answer when the request ends; until then the pages of the answer are the request's own. Where pages are short,
/// whole leaves are lost until there are enough. What a preempted request had beyond the tree is gone.
/// </summary>
internal sealed class RadixMemory(EngineProfile profile, CacheEventLog? events) : IKvMemory
{
    private readonly RadixTree _tree = new(events);
    private int _own;

    public int Capacity => profile.KvBlocks;

    public int UsedCount => _tree.LockedCount + _own;

    private int FreeCount => Capacity - _tree.Count - _own;

    public bool TryStart(Sequence sequence, int budget, out int cachedTokens)
    {
        var chain = sequence.Chain.Span;
        var limit = Math.Min(chain.Length, (sequence.Known - 1) / profile.BlockSize);
        var node = _tree.Match(chain[..limit], out var hits);
        _tree.Lock(node);
        cachedTokens = hits * profile.BlockSize;
        var tokens = Math.Min(sequence.Known - cachedTokens, budget);
        if (profile.BlocksFor(cachedTokens + tokens) - hits > FreeCount + _tree.EvictableCount)
        {
            _tree.Unlock(node);
            return false;
        }

        sequence.Held = new RadixHolding { Node = node, Shared = hits };
        return true;
    }

    public int CountCached(ReadOnlySpan<ulong> chain) => _tree.CountCommon(chain);

    public bool TryGrow(Sequence sequence, int tokens)
    {
        var held = (RadixHolding)sequence.Held!;
        var more = profile.BlocksFor(sequence.Computed + tokens) - held.Shared - held.Own;
        if (more > FreeCount + _tree.EvictableCount)
        {
            return false;
        }

        if (more > FreeCount)
        {
            _tree.Evict(more - FreeCount);
        }

        held.Own += more;
        _own += more;
        return true;
    }

    public void Prefilled(Sequence sequence) => Insert(sequence, (RadixHolding)sequence.Held!);

    public void Release(Sequence sequence, KvRelease why)
    {
        if (sequence.Held is not RadixHolding held)
        {
            return;
        }

        if (why != KvRelease.Preempted)
        {
            Insert(sequence, held);
        }

        _own -= held.Own;
        _tree.Unlock(held.Node);
        sequence.Held = null;
    }

    public void Clear() => _tree.Clear();

    public void VisitResident(Action<ulong> found) => _tree.VisitPages(found);

    public void Verify()
    {
        Check.That(_own >= 0 && FreeCount >= 0);
        _tree.Verify();
    }

    /// <summary>
    /// Moves the computed full pages into the tree. Pages that another request brought there meanwhile are free again.
    /// </summary>
    private void Insert(Sequence sequence, RadixHolding held)
    {
        var pages = Math.Min(sequence.Computed / profile.BlockSize, sequence.Chain.Length);
        if (pages <= held.Shared)
        {
            return;
        }

        var node = _tree.Insert(sequence.Chain.Span[..pages], out var known);
        Check.That(known >= held.Shared);
        _tree.Lock(node);
        _tree.Unlock(held.Node);
        _own -= pages - held.Shared;
        held.Own -= pages - held.Shared;
        held.Shared = pages;
        held.Node = node;
        events?.Stored(sequence, known, pages);
    }

    /// <summary>A path in the tree, and pages beyond it.</summary>
    private sealed class RadixHolding : KvHolding
    {
        /// <summary>Where the request's path ends; it is locked.</summary>
        public required RadixNode Node { get; set; }

        /// <summary>Pages of the path.</summary>
        public required int Shared { get; set; }

        public int Own { get; set; }
    }
}
