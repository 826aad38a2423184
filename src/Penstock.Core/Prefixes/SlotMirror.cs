using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// An engine with a fixed number of sequences (llama.cpp's slots): a request takes the free one that agrees with the
/// largest part of it, where that is more than a tenth; else the one that was not used longest, whose content is lost
/// or goes to the host's memory.
/// </summary>
/// <remarks>
/// The rule is that of <c>get_available_slot</c> in llama-server's <c>tools/server/server-context.cpp</c>, with the
/// default <c>--slot-prompt-similarity</c> of 0.1: of sequences that agree equally the first is taken, of those that
/// were never used the last, and a use is counted when it ends. A sequence that is at work serves nobody else, so that
/// only those that are free count as held. The contents are kept beside the tables of the index: 8 bytes a block more,
/// and as much again where there is memory of the host's.
/// </remarks>
internal sealed class SlotMirror(
    BlockHolders blocks, CacheLists lists, CacheForecast forecast, int blockLength, int replicas) : CacheMirror
{
    private const double SimilarityMin = 0.1;

    /// <summary>A sequence that would keep less than this share of its content is saved before.</summary>
    private const double KeptShareMin = 0.5;

    private const int SlotsMax = 256;

    private readonly SlotContent[]?[] _slots = new SlotContent[]?[replicas];
    private readonly SavedPrompts?[] _saved = new SavedPrompts?[replicas];
    private readonly long[] _clocks = new long[replicas];
    private readonly SlotEntries _entries = new(blocks, lists, blockLength);

    /// <summary>Replicas from here on have no sequences.</summary>
    private int _end;

    /// <summary>Tokens that the replica is believed to have in the host's memory.</summary>
    public long SavedAt(int replica) => _saved[replica] is { IsBelieved: true } saved ? saved.Tokens : 0;

    /// <summary>The replica is of this shape now.</summary>
    public void Shape(int replica, in CacheShape shape)
    {
        if (shape.Kind != CacheKind.Slots)
        {
            _slots[replica] = null;
            _saved[replica] = null;
            return;
        }

        var slots = Math.Clamp(shape.Slots, 1, SlotsMax);
        if (_slots[replica]?.Length != slots)
        {
            Clear(replica);
            _slots[replica] = New(slots);
            _end = Math.Max(_end, replica + 1);
        }

        _saved[replica] = shape.HasHost || shape.HostTokens > 0 ? _saved[replica] ?? NewSaved() : null;
        _saved[replica]?.Resize(shape.HostTokens);
    }

    public override PrefixClaim Take(in PromptPrefix prompt, PromptLengths lengths, int replica, ulong key)
    {
        var choice = Choose(in prompt, lengths, replica);
        if (choice.Slot < 0)
        {
            return new PrefixClaim { Generation = lists[replica].Generation };
        }

        var slots = _slots[replica]!;
        ref var content = ref slots[choice.Slot];
        var claim = new PrefixClaim
        {
            Slot = choice.Slot + 1,
            Generation = lists[replica].Generation,
            Predicted = choice.Found.Tokens,
            Basis = choice.Found.Basis,
            BasisHash = choice.Found.Hash,
            Safe = Math.Min(choice.There.Tokens, content.Certain),
            DoubtedSince = lists[replica].DoubtedSince,
            There = choice.There.Tokens,
            Saved = choice.Saved.At >= 0 ? choice.Saved.Found.Tokens : 0,
            SavedDistance = choice.Saved.Distance,
        };
        if (IsEnough(choice.There.Tokens, lengths))
        {
            Doubt(slots, in choice);
        }

        if (choice.Leaves && _saved[replica] is { } saved)
        {
            lists[replica].Overflows += saved.Exchange(in content, in prompt, lengths, in choice.There);
        }

        _entries.Forget(replica, slots, choice.Slot);
        content.IsBusy = true;
        content.Found = choice.Depth;
        return claim;
    }

    public override void GiveBack(
        in PromptPrefix prompt, PromptLengths lengths, int replica, in PrefixClaim claim, long tokens, long counted)
    {
        var slot = claim.Generation == lists[replica].Generation ? claim.Slot - 1 : -1;
        if (slot < 0 && tokens > 0)
        {
            // It waited for a sequence, or those that were known are gone: it got one meanwhile.
            slot = Choose(in prompt, lengths, replica).Slot;
            if (slot >= 0)
            {
                _entries.Forget(replica, _slots[replica]!, slot);
            }
        }

        if (slot >= 0)
        {
            // Of one that failed no more is known to be there than what was there before.
            ref var content = ref _slots[replica]![slot];
            content.IsBusy = false;
            content.UsedAt = ++_clocks[replica];
            _entries.Keep(replica, ref content, in prompt, lengths, tokens);
        }
    }

    /// <summary>A request that was given a sequence found so many tokens.</summary>
    public void Learn(int replica, in PrefixClaim claim, long reported) => _saved[replica]?.Learn(in claim, reported);

    /// <summary>Where what is held under the hashes does not say it all: prompts of which no sequence has enough to be
    /// chosen for it, and what is in the host's memory.</summary>
    public void Refine(in PromptPrefix prompt, PromptLengths lengths, Span<PrefixMatch> matches)
    {
        for (var replica = 0; replica < _end; replica++)
        {
            ref var match = ref matches[replica];
            if (_slots[replica] is not null
                && (_saved[replica] is { IsBelieved: true } || (match.Device > 0 && !IsEnough(match.Device, lengths))))
            {
                var choice = Choose(in prompt, lengths, replica);
                var device = Math.Min(choice.There.Tokens, choice.Found.Tokens);
                match = new PrefixMatch
                {
                    Device = (int)device, Host = (int)(choice.Found.Tokens - device), Room = match.Room,
                };
            }
        }
    }

    public override void Clear(int replica)
    {
        lists.Clear(replica);
        _saved[replica]?.Clear();
        foreach (ref var slot in _slots[replica].AsSpan())
        {
            slot = new SlotContent(slot.Blocks);
        }
    }

    /// <summary>Writes what is not in the tables of the index.</summary>
    public void Save(StateWriter to, int replica)
    {
        var slots = _slots[replica].AsSpan();
        to.Write(slots.Length);
        to.Write(_clocks[replica]);
        foreach (ref readonly var slot in slots)
        {
            slot.Save(to);
        }

        to.Write(_saved[replica] is not null);
        _saved[replica]?.Save(to);
    }

    /// <summary>Reads what <see cref="Save"/> wrote; false where the replica had no sequences of its own.</summary>
    public bool TryLoad(ref StateReader from, int replica)
    {
        var count = from.Read<int>();
        _slots[replica] = count > 0 ? New(Math.Min(count, SlotsMax)) : null;
        _end = count > 0 ? Math.Max(_end, replica + 1) : _end;
        _clocks[replica] = from.Read<long>();
        foreach (ref var slot in _slots[replica].AsSpan())
        {
            slot.Load(ref from);
        }

        _saved[replica] = from.Read<bool>() ? NewSaved() : null;
        _saved[replica]?.Load(ref from);
        return count > 0;
    }

    private static bool IsEnough(long tokens, PromptLengths lengths) => tokens > SimilarityMin * lengths.Total;

    /// <summary>The sequence that the engine gives the request, with what it will find there; none where all are at
    /// work.</summary>
    private SlotChoice Choose(in PromptPrefix prompt, PromptLengths lengths, int replica)
    {
        var slots = _slots[replica].AsSpan();
        var best = new SlotChoice { Slot = -1 };
        var oldest = best;
        for (var i = 0; i < slots.Length; i++)
        {
            ref var slot = ref slots[i];
            if (slot.IsBusy)
            {
                continue;
            }

            var depth = slot.Held.CommonPrefixLength(prompt.Blocks);
            var here = forecast.OfSequence(in prompt, lengths, depth, in slot.Keys, blockLength);
            slot.Here = here.Tokens;
            if (here.Tokens > best.There.Tokens && IsEnough(here.Tokens, lengths))
            {
                best = new SlotChoice
                {
                    Slot = i, Depth = depth, There = here, Leaves = here.Tokens < KeptShareMin * slot.Tokens,
                };
            }

            if (oldest.Slot < 0 || slot.UsedAt <= slots[oldest.Slot].UsedAt)
            {
                oldest = new SlotChoice { Slot = i, Depth = depth, There = here, Leaves = true };
            }
        }

        best = best.Slot >= 0 ? best : oldest;
        best.Found = best.There;
        best.Saved = new SavedMatch(-1, 0, default, 0);
        if (best.Slot >= 0 && best.Leaves && _saved[replica] is { } saved)
        {
            best.Saved = saved.Best(in prompt, lengths, in slots[best.Slot], in best.There);
            if (best.Saved.At >= 0 && saved.IsBelieved)
            {
                best.Depth = best.Saved.Depth;
                best.Found = best.Saved.Found;
            }
        }

        return best;
    }

    /// <summary>Where several sequences had as much of the prompt, it is not certain which of them was taken: prompts
    /// are compared by whole blocks here, and the engine's order is not known where others send it requests too.
    /// </summary>
    private static void Doubt(Span<SlotContent> slots, in SlotChoice choice)
    {
        for (var i = 0; i < slots.Length; i++)
        {
            if (i != choice.Slot && !slots[i].IsBusy && slots[i].Here == choice.There.Tokens)
            {
                slots[i].Certain = Math.Min(slots[i].Certain, slots[i].Here);
            }
        }
    }

    private SlotContent[] New(int slots)
    {
        var room = Math.Max(1, (blocks.BlocksPerReplica / slots) - SlotKeys.Length);
        return [.. Enumerable.Range(0, slots).Select(_ => new SlotContent(new ulong[room]))];
    }

    private SavedPrompts NewSaved() => new(forecast, blockLength, blocks.BlocksPerReplica);

    /// <summary>What a request gets.</summary>
    private struct SlotChoice
    {
        /// <summary>The sequence; −1 for none.</summary>
        public int Slot;

        /// <summary>Leading blocks of the prompt that are found.</summary>
        public int Depth;

        /// <summary>What the sequence has of the prompt.</summary>
        public Forecast There;

        /// <summary>What is found: that, or what comes back from the host's memory instead.</summary>
        public Forecast Found;

        /// <summary>What may come back.</summary>
        public SavedMatch Saved;

        /// <summary>Most of what the sequence has is of no use here, so that it goes to the host's memory.</summary>
        public bool Leaves;
    }
}
