using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// An engine with a fixed number of sequences (llama.cpp's slots): a request takes the free one that agrees with the
/// largest part of it, where that is more than a tenth; else the one that was not used longest, whose content is lost.
/// </summary>
/// <remarks>
/// The rule is llama-server's with its default <c>--slot-prompt-similarity</c> of 0.1. A sequence that is at work
/// serves nobody else, so that only those that are free count as held. The contents are kept beside the tables of the
/// index: 8 bytes a block more.
/// </remarks>
internal sealed class SlotMirror(
    BlockHolders blocks, CacheLists lists, CacheForecast forecast, int blockLength, int replicas) : CacheMirror
{
    private const double SimilarityMin = 0.1;
    private const int SlotsMax = 256;
    private const int None = BlockHolders.None;

    private readonly SlotContent[]?[] _slots = new SlotContent[]?[replicas];
    private readonly long[] _clocks = new long[replicas];

    /// <summary>The replica has so many sequences now.</summary>
    public void Shape(int replica, int slots)
    {
        slots = Math.Clamp(slots, 1, SlotsMax);
        if (_slots[replica]?.Length != slots)
        {
            Clear(replica);
            _slots[replica] = New(slots);
        }
    }

    /// <summary>The replica is of another kind now.</summary>
    public void Unshape(int replica) => _slots[replica] = null;

    public override PrefixClaim Take(in PromptPrefix prompt, PromptLengths lengths, int replica)
    {
        var slot = Choose(in prompt, lengths, replica, out var found);
        if (slot < 0)
        {
            return new PrefixClaim { Generation = lists[replica].Generation };
        }

        ref var content = ref _slots[replica]![slot];
        Forget(replica, slot);
        content.IsBusy = true;
        return new PrefixClaim
        {
            Slot = slot + 1,
            Generation = lists[replica].Generation,
            Predicted = found.Tokens,
            Basis = found.Basis,
            BasisHash = found.Hash,
            Safe = found.Tokens,
            DoubtedSince = lists[replica].DoubtedSince,
        };
    }

    public override void GiveBack(
        in PromptPrefix prompt, PromptLengths lengths, int replica, in PrefixClaim claim, long tokens)
    {
        var slot = claim.Generation == lists[replica].Generation ? claim.Slot - 1 : -1;
        if (slot >= 0)
        {
            _slots[replica]![slot].IsBusy = false;
        }

        if (tokens == 0)
        {
            return;
        }

        // It waited for a sequence, or those that were known are gone: it got one meanwhile.
        slot = slot >= 0 ? slot : Choose(in prompt, lengths, replica, out _);
        if (slot >= 0)
        {
            Forget(replica, slot);
            Keep(in prompt, lengths, replica, ref _slots[replica]![slot], tokens);
        }
    }

    public override void Clear(int replica)
    {
        lists.Clear(replica);
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
            to.WriteAll(slot.Held);
            to.Write(in slot.End);
            to.Write(in slot.UsedAt);
            to.Write(in slot.IsBusy);
        }
    }

    /// <summary>Reads what <see cref="Save"/> wrote; false where the replica had no sequences of its own.</summary>
    public bool TryLoad(ref StateReader from, int replica)
    {
        var count = from.Read<int>();
        _slots[replica] = count > 0 ? New(count) : null;
        _clocks[replica] = from.Read<long>();
        foreach (ref var slot in _slots[replica].AsSpan())
        {
            slot.Count = from.ReadAll<ulong>(slot.Blocks);
            slot.End = from.Read<ulong>();
            slot.UsedAt = from.Read<long>();
            slot.IsBusy = from.Read<bool>();
        }

        return count > 0;
    }

    /// <summary>The sequence that the engine gives the request, with what it will find there; −1 where all are at work.
    /// </summary>
    private int Choose(in PromptPrefix prompt, PromptLengths lengths, int replica, out Forecast found)
    {
        var slots = _slots[replica].AsSpan();
        var best = -1;
        var oldest = -1;
        found = default;
        var foundInOldest = default(Forecast);
        for (var i = 0; i < slots.Length; i++)
        {
            if (slots[i].IsBusy)
            {
                continue;
            }

            var common = slots[i].Held.CommonPrefixLength(prompt.Blocks);
            var isOldest = oldest < 0 || slots[i].UsedAt < slots[oldest].UsedAt;
            var here = forecast.OfSequence(in prompt, lengths, common, slots[i].End, blockLength);
            if (here.Tokens > SimilarityMin * lengths.Total && here.Tokens > found.Tokens)
            {
                best = i;
                found = here;
            }

            if (isOldest)
            {
                oldest = i;
                foundInOldest = here;
            }
        }

        found = best >= 0 ? found : foundInOldest;
        return best >= 0 ? best : oldest;
    }

    /// <summary>What a free sequence held is gone, except for what others hold too.</summary>
    private void Forget(int replica, int slot)
    {
        var slots = _slots[replica].AsSpan();
        ref var content = ref slots[slot];
        var shared = 0;
        var isEndShared = content.End == 0;
        for (var i = 0; i < slots.Length; i++)
        {
            if (i != slot)
            {
                shared = Math.Max(shared, slots[i].Held.CommonPrefixLength(content.Held));
                isEndShared |= slots[i].End == content.End;
            }
        }

        if (!isEndShared)
        {
            Remove(replica, content.End);
        }

        for (var depth = content.Count - 1; depth >= shared; depth--)
        {
            Remove(replica, content.Blocks[depth]);
        }

        content.Count = 0;
        content.End = 0;
    }

    private void Keep(
        in PromptPrefix prompt, PromptLengths lengths, int replica, ref SlotContent content, long tokens)
    {
        var held = prompt.Blocks[..Math.Min(prompt.Blocks.Length, content.Blocks.Length)];
        held.CopyTo(content.Blocks);
        content.Count = held.Length;
        content.UsedAt = ++_clocks[replica];
        var before = lengths.At((long)held.Length * blockLength);
        if (held.Length == prompt.Blocks.Length && !prompt.Marks.IsEmpty)
        {
            content.End = Spot.EndKeyOf(prompt.Marks[^1].Hash);
            Add(replica, content.End, tokens - before);
        }

        for (var depth = held.Length - 1; depth >= 0; depth--)
        {
            var from = lengths.At((long)depth * blockLength);
            Add(replica, held[depth], before - from);
            before = from;
        }
    }

    private void Add(int replica, ulong hash, long tokens)
    {
        var at = blocks.Find(hash, replica);
        var isNew = at == None;
        if (!isNew || lists.TryAdd(replica, hash, tokens, out at))
        {
            lists.Pin(replica, at, tokens, isNew);
            lists.Unpin(replica, at, tokens, confirms: true);
        }
    }

    private void Remove(int replica, ulong hash)
    {
        if (blocks.Find(hash, replica) is not None and var at)
        {
            lists.Remove(replica, at);
        }
    }

    private SlotContent[] New(int slots)
    {
        slots = Math.Clamp(slots, 1, SlotsMax);
        var room = Math.Max(1, (blocks.BlocksPerReplica / slots) - 1);
        return [.. Enumerable.Range(0, slots).Select(_ => new SlotContent(new ulong[room]))];
    }

    /// <summary>One sequence: while it is at work it holds nothing that another request could use.</summary>
    private struct SlotContent(ulong[] blocks)
    {
        public ulong[] Blocks = blocks;
        public int Count;
        public ulong End;
        public long UsedAt;
        public bool IsBusy;

        public readonly ReadOnlySpan<ulong> Held => Blocks.AsSpan(0, Count);
    }
}
