using System.Numerics;
using System.Runtime.CompilerServices;
using Penstock.Core.Primitives;

namespace Penstock.Core.KvSync;

/// <summary>
/// Blocks by name: open addressing with linear probing, a power of two of slots, at most three quarters full. Which
/// slot a name goes to depends on a secret, so that nobody can choose names that meet. Grows with what it holds, up to
/// a bound. Not thread-safe.
/// </summary>
internal sealed class BlockTable
{
    private const int SlotsMin = 1_024;

    /// <summary>Slots looked at, at most, for one that can be given up.</summary>
    private const int HandStepsMax = 64;

    private readonly int _blocksMax;
    private readonly ulong _multiplier;
    private BlockEntry[] _slots;
    private int _shift;
    private int _hand;

    public BlockTable(int blocksMax, ulong secret, int blocksExpected)
    {
        Check.That(blocksMax > 0 && blocksMax <= 1 << 29);
        _blocksMax = blocksMax;
        _multiplier = Hash64.Combine(secret, 0x9E3779B97F4A7C15UL) | 1;
        var slots = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(SlotsMin, blocksExpected / 3L * 4));
        _slots = new BlockEntry[slots];
        _shift = 64 - BitOperations.Log2((uint)slots);
    }

    /// <summary>Entries held.</summary>
    public int Count { get; private set; }

    public Span<BlockEntry> Slots => _slots;

    /// <summary>The slot of a name; −1: it is not there.</summary>
    public int Find(ulong name)
    {
        for (var slot = Home(name); ; slot = (slot + 1) & (_slots.Length - 1))
        {
            ref readonly var entry = ref _slots[slot];
            if (!entry.IsUsed)
            {
                return -1;
            }

            if (entry.Name == name)
            {
                return slot;
            }
        }
    }

    /// <summary>A slot for a name that is not there; −1: the table is full.</summary>
    /// <param name="name">The name.</param>
    /// <param name="reclaim">Give up an entry that nobody holds any more, if one is near.</param>
    public int Add(ulong name, bool reclaim)
    {
        var isFull = Count >= _blocksMax;
        if ((reclaim || isFull) && !TryReclaim() && isFull)
        {
            return -1;
        }

        if ((Count + 1) * 4L > _slots.Length * 3L)
        {
            Grow();
        }

        var slot = Home(name);
        while (_slots[slot].IsUsed)
        {
            slot = (slot + 1) & (_slots.Length - 1);
        }

        _slots[slot] = new BlockEntry { Name = name, Flags = BlockFlags.Used };
        Count++;
        return slot;
    }

    /// <summary>Drops all entries of one rank; the table keeps its size.</summary>
    public void ClearRank(byte rank)
    {
        var old = _slots;
        _slots = new BlockEntry[old.Length];
        Count = 0;
        _hand = 0;
        foreach (ref readonly var entry in old.AsSpan())
        {
            if (entry.IsUsed && entry.Rank != rank)
            {
                _slots[Add(entry.Name, reclaim: false)] = entry;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Home(ulong name) => (int)((name * _multiplier) >> _shift);

    private bool TryReclaim()
    {
        for (var i = 0; i < HandStepsMax; i++)
        {
            _hand = (_hand + 1) & (_slots.Length - 1);
            if (_slots[_hand].IsUsed && !_slots[_hand].IsResident)
            {
                Delete(_hand);
                return true;
            }
        }

        return false;
    }

    // What follows is moved up, so that no probe ends before its entry.
    private void Delete(int slot)
    {
        var mask = _slots.Length - 1;
        Count--;
        for (var next = (slot + 1) & mask; _slots[next].IsUsed; next = (next + 1) & mask)
        {
            var home = Home(_slots[next].Name);
            if (((next - home) & mask) >= ((next - slot) & mask))
            {
                _slots[slot] = _slots[next];
                slot = next;
            }
        }

        _slots[slot] = default;
    }

    private void Grow()
    {
        var old = _slots;
        _slots = new BlockEntry[old.Length * 2];
        _shift--;
        foreach (ref readonly var entry in old.AsSpan())
        {
            if (entry.IsUsed)
            {
                var slot = Home(entry.Name);
                while (_slots[slot].IsUsed)
                {
                    slot = (slot + 1) & (_slots.Length - 1);
                }

                _slots[slot] = entry;
            }
        }
    }
}
