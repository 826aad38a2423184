using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>
/// Memory as llama.cpp's server keeps it: a fixed number of slots with one sequence each, <c>SequencesMax</c> of them
/// with room for <c>ModelLengthMax</c> tokens. A request takes the idle slot that has most of its prompt, if that is
/// more than a tenth of it, else the slot idle for the longest time. What the slot holds beyond the common prefix is
/// lost, unless the host's memory keeps it (<see cref="SlotStore"/>).
/// </summary>
internal sealed class SlotMemory : IKvMemory
{
    /// <summary>The default of <c>--slot-prompt-similarity</c>.</summary>
    private const double SimilarityMin = 0.1;

    /// <summary>A slot that would keep less than this share of its content is saved before.</summary>
    private const double KeptShareMin = 0.5;

    private readonly EngineProfile _profile;
    private readonly Slot[] _slots;
    private readonly SlotStore? _store;
    private long _releases;
    private int _used;

    public SlotMemory(EngineProfile profile)
    {
        _profile = profile;
        _slots = new Slot[profile.SequencesMax];
        for (var i = 0; i < _slots.Length; i++)
        {
            _slots[i] = new Slot();
        }

        _store = profile.HostCacheTokens > 0 ? new SlotStore(profile.HostCacheTokens / profile.BlockSize) : null;
    }

    public int Capacity => _profile.KvBlocks;

    public int UsedCount => _used;

    public bool TryStart(Sequence sequence, int budget, out int cachedTokens)
    {
        var slot = Choose(sequence.Chain[..FullBlocks(sequence, sequence.Prompt)], sequence.Prompt);
        var limit = FullBlocks(sequence, sequence.Prompt - 1);
        var hits = Math.Min(slot.Content.CommonWith(sequence.Chain), limit);
        cachedTokens = hits * _profile.BlockSize;
        slot.Content = new SlotContent(sequence.Chain, hits);
        slot.IsBusy = true;
        slot.Used = hits;
        _used += hits;
        sequence.Held = slot;
        return true;
    }

    public int CountCached(ReadOnlySpan<ulong> chain)
    {
        var most = 0;
        foreach (var slot in _slots)
        {
            most = slot.IsBusy ? most : Math.Max(most, slot.Content.Hashes.Span.CommonPrefixLength(chain));
        }

        return most;
    }

    public bool TryGrow(Sequence sequence, int tokens)
    {
        var slot = (Slot)sequence.Held!;
        var needed = _profile.BlocksFor(sequence.Computed + tokens);
        Check.That(needed <= _profile.BlocksFor(_profile.ModelLengthMax));
        _used += needed - slot.Used;
        slot.Used = needed;
        return true;
    }

    public void Prefilled(Sequence sequence)
    {
        // Nobody can share it before the slot is idle again.
    }

    public void Release(Sequence sequence, KvRelease why)
    {
        Check.That(why != KvRelease.Preempted);
        if (sequence.Held is not Slot slot)
        {
            return;
        }

        slot.Content = new SlotContent(sequence.Chain, FullBlocks(sequence, sequence.Computed));
        slot.LastRelease = ++_releases;
        slot.IsBusy = false;
        _used -= slot.Used;
        slot.Used = 0;
        sequence.Held = null;
    }

    public void Clear()
    {
        Check.That(_used == 0);
        _store?.Clear();
        foreach (var slot in _slots)
        {
            slot.Content = default;
        }
    }

    public void VisitResident(Action<ulong> found)
    {
        foreach (var slot in _slots)
        {
            foreach (var hash in slot.Content.Hashes.Span)
            {
                found(hash);
            }
        }
    }

    public void Verify()
    {
        var used = 0;
        foreach (var slot in _slots)
        {
            Check.That(slot.IsBusy || slot.Used == 0);
            used += slot.Used;
        }

        Check.That(used == _used && used <= Capacity);
        _store?.Verify();
    }

    private int FullBlocks(Sequence sequence, int tokens) =>
        Math.Min(tokens / _profile.BlockSize, sequence.Chain.Length);

    private Slot Choose(ReadOnlyMemory<ulong> prompt, int promptTokens)
    {
        Slot? best = null;
        var similarity = 0.0;
        foreach (var slot in _slots)
        {
            var common = slot.IsBusy ? 0 : slot.Content.CommonWith(prompt);
            var share = common * _profile.BlockSize / (double)promptTokens;
            if (share > similarity && share > SimilarityMin)
            {
                similarity = share;
                best = slot;
            }
        }

        var saves = best is null || best.Content.CommonWith(prompt) < KeptShareMin * best.Content.Blocks;
        best ??= LongestIdle();
        if (saves && _store is not null)
        {
            best.Content = _store.Exchange(best.Content, prompt);
        }

        return best;
    }

    /// <summary>The last of those that were never used, as llama.cpp finds it.</summary>
    private Slot LongestIdle()
    {
        Slot? idle = null;
        foreach (var slot in _slots)
        {
            if (!slot.IsBusy && (idle is null || slot.LastRelease <= idle.LastRelease))
            {
                idle = slot;
            }
        }

        Check.That(idle is not null);
        return idle!;
    }

    /// <summary>One sequence's place.</summary>
    private sealed class Slot : KvHolding
    {
        public SlotContent Content { get; set; }

        public bool IsBusy { get; set; }

        /// <summary>Blocks that its request fills.</summary>
        public int Used { get; set; }

        public long LastRelease { get; set; } = -1;
    }
}
