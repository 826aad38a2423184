using System.Diagnostics.CodeAnalysis;
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
    private const int SlotsMin = 256;

    /// <summary>Slots looked at, at most, for one that can be given up.</summary>
    private const int HandStepsMax = 64;

    /// <summary>A table that gave up entries until it has more than so many times as many slots is made anew, smaller.
    /// </summary>
    private const int SparseSlots = 4;

    private readonly BlockRoom _room;
    private readonly ulong _multiplier;
    private BlockEntry[] _slots;
    private int _shift;
    private int _hand;

    public BlockTable(int blocksMax, ulong secret, int blocksExpected)
        : this(new BlockRoom(blocksMax), secret, blocksExpected)
    {
    }

    /// <param name="room">Shared with other tables.</param>
    /// <param name="secret">Random.</param>
    /// <param name="blocksExpected">Entries that there is space for from the start.</param>
    public BlockTable(BlockRoom room, ulong secret, int blocksExpected)
    {
        _room = room;
        _multiplier = Hash64.Combine(secret, 0x9E3779B97F4A7C15UL) | 1;
        Make(blocksExpected);
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
        var isFull = _room.IsFull;
        if ((reclaim || isFull) && !TryReclaim() && isFull)
        {
            return -1;
        }

        if ((Count + 1) * 4L > _slots.Length * 3L)
        {
            Resize(_slots.Length * 2);
        }

        var slot = Home(name);
        while (_slots[slot].IsUsed)
        {
            slot = (slot + 1) & (_slots.Length - 1);
        }

        _slots[slot] = new BlockEntry { Name = name, Flags = BlockFlags.Used };
        Count++;
        _room.Taken++;
        return slot;
    }

    /// <summary>Drops all entries, and the memory that they took: what a table held once counts for nothing, as there
    /// are many of them.</summary>
    public void Clear()
    {
        if (_slots.Length > SlotsMin)
        {
            Make(0);
        }
        else if (Count > 0)
        {
            Array.Clear(_slots);
        }

        _room.Taken -= Count;
        Count = 0;
        _hand = 0;
    }

    /// <summary>Gives up an entry that nobody holds any more, if one is near.</summary>
    public bool TryReclaim()
    {
        for (var i = 0; i < HandStepsMax; i++)
        {
            _hand = (_hand + 1) & (_slots.Length - 1);
            if (_slots[_hand].IsUsed && !_slots[_hand].IsResident)
            {
                Delete(_hand);
                if (_slots.Length > SlotsMin && (long)Count * SparseSlots < _slots.Length)
                {
                    Resize(_slots.Length / 2);
                }

                return true;
            }
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Home(ulong name) => (int)((name * _multiplier) >> _shift);

    [MemberNotNull(nameof(_slots))]
    private void Make(int blocks)
    {
        var slots = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(SlotsMin, blocks / 3L * 4));
        _slots = new BlockEntry[slots];
        _shift = 64 - BitOperations.Log2((uint)slots);
    }

    // What follows is moved up, so that no probe ends before its entry.
    private void Delete(int slot)
    {
        var mask = _slots.Length - 1;
        Count--;
        _room.Taken--;
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

    private void Resize(int slots)
    {
        var old = _slots;
        _slots = new BlockEntry[slots];
        _shift = 64 - BitOperations.Log2((uint)slots);
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
