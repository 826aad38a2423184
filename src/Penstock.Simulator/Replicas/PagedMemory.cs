using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>
/// Memory as vLLM v1 keeps it: blocks shared by reference, a block's content known by its prefix hash from the step
/// that computes it on, and the least recently used free block taken first.
/// </summary>
internal sealed class PagedMemory(EngineProfile profile, CacheEventLog? events) : IKvMemory
{
    private readonly KvBlockPool _pool = new(profile.KvBlocks, events);

    public int Capacity => _pool.Capacity;

    public int UsedCount => _pool.UsedCount;

    public bool TryStart(Sequence sequence, int budget, out int cachedTokens)
    {
        var chain = sequence.Chain.Span;
        var limit = Math.Min(chain.Length, (sequence.Known - 1) / profile.BlockSize);
        var hits = 0;
        var revived = 0;
        while (hits < limit && _pool.Find(chain[hits]) is >= 0 and var block)
        {
            revived += _pool.IsFree(block) ? 1 : 0;
            hits++;
        }

        cachedTokens = hits * profile.BlockSize;
        var tokens = Math.Min(sequence.Known - cachedTokens, budget);
        var fresh = profile.BlocksFor(cachedTokens + tokens) - hits;
        if (fresh + revived > _pool.FreeCount)
        {
            return false;
        }

        var held = HeldBy(sequence);
        for (var i = 0; i < hits; i++)
        {
            var block = _pool.Find(chain[i]);
            _pool.Share(block, chain[i]);
            held.Append(block);
        }

        held.Published = hits;
        return true;
    }

    public int CountCached(ReadOnlySpan<ulong> chain)
    {
        var hits = 0;
        while (hits < chain.Length && _pool.Find(chain[hits]) >= 0)
        {
            hits++;
        }

        return hits;
    }

    public bool TryGrow(Sequence sequence, int tokens)
    {
        var held = HeldBy(sequence);
        var needed = profile.BlocksFor(sequence.Computed + tokens);
        if (needed - held.Count > _pool.FreeCount)
        {
            return false;
        }

        while (held.Count < needed)
        {
            held.Append(_pool.Take());
        }

        var chain = sequence.Chain.Span;
        var known = held.Published;
        var full = Math.Min((sequence.Computed + tokens) / profile.BlockSize, chain.Length);
        for (; held.Published < full; held.Published++)
        {
            _pool.Publish(held[held.Published], chain[held.Published]);
        }

        events?.Stored(sequence, known, held.Published);
        return true;
    }

    public void Prefilled(Sequence sequence)
    {
        // Known since the step that computed it was planned.
    }

    /// <summary>The last block goes first: the start of a prompt is worth the most to others.</summary>
    public void Release(Sequence sequence, KvRelease why)
    {
        var held = HeldBy(sequence);
        while (held.Count > 0)
        {
            _pool.Release(held.RemoveLast());
        }

        held.Published = 0;
    }

    public void Clear()
    {
        _pool.Forget();
        events?.Cleared();
    }

    public void VisitResident(Action<ulong> found) => _pool.Visit(found);

    public void Verify() => _pool.Verify();

    private static PagedHolding HeldBy(Sequence sequence)
    {
        sequence.Held ??= new PagedHolding();
        return (PagedHolding)sequence.Held;
    }

    /// <summary>The blocks of a request, in the order of its tokens.</summary>
    private sealed class PagedHolding : KvHolding
    {
        private int[] _blocks = new int[8];

        public int Count { get; private set; }

        /// <summary>Blocks whose content is known, from the first on.</summary>
        public int Published { get; set; }

        public int this[int at] => _blocks[at];

        public void Append(int block)
        {
            if (Count == _blocks.Length)
            {
                Array.Resize(ref _blocks, _blocks.Length * 2);
            }

            _blocks[Count++] = block;
        }

        public int RemoveLast() => _blocks[--Count];
    }
}
