using System.Numerics;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// The blocks that many replicas hold, each with the set of its holders: a bounded hash table. A block enters with
/// <see cref="HoldersMin"/> holders and leaves when a third of them is gone, so that their number, and with it the
/// memory, is bounded by that of the pairs.
/// </summary>
internal sealed class SharedBlocks
{
    public const int None = 0;

    private readonly int _words;
    private readonly int _leaveAt;
    private readonly int[] _buckets;
    private readonly Block[] _blocks;
    private readonly ulong[] _sets;
    private int _free = None;
    private int _used;

    /// <param name="replicas">Replica slots.</param>
    /// <param name="pairsMax">Pairs of block and replica that there can be.</param>
    public SharedBlocks(int replicas, int pairsMax)
    {
        // A set takes a bit a replica, so the more replicas, the more holders must share its cost.
        HoldersMin = Math.Max(24, replicas * 3 / 32);
        _leaveAt = HoldersMin * 2 / 3;
        _words = ReplicaSet.Words(replicas);
        var capacity = replicas > HoldersMin ? pairsMax / (_leaveAt + 1) : 0;
        _buckets = new int[(int)BitOperations.RoundUpToPowerOf2((uint)(capacity / 2) + 1)];
        _blocks = new Block[capacity + 1];
        _sets = new ulong[(capacity + 1) * _words];
    }

    /// <summary>Holders from which on a block is kept here.</summary>
    public int HoldersMin { get; }

    public int Find(ulong hash)
    {
        var at = _buckets[Bucket(hash)];
        while (at != None && _blocks[at].Hash != hash)
        {
            at = _blocks[at].Next;
        }

        return at;
    }

    public ulong HashOf(int block) => _blocks[block].Hash;

    public ReadOnlySpan<ulong> HoldersOf(int block) => Set(block);

    /// <summary>The first holder from slot <paramref name="from"/> on; −1 where there is none.</summary>
    public int Next(int block, int from)
    {
        var set = Set(block);
        for (var word = from >> 6; word < set.Length; word++)
        {
            var left = set[word] & (word == from >> 6 ? ulong.MaxValue << (from & 63) : ulong.MaxValue);
            if (left != 0)
            {
                return (word << 6) + BitOperations.TrailingZeroCount(left);
            }
        }

        return -1;
    }

    public int Open(ulong hash)
    {
        var at = _free;
        if (at != None)
        {
            _free = _blocks[at].Next;
        }
        else
        {
            at = ++_used;
        }

        ref var bucket = ref _buckets[Bucket(hash)];
        _blocks[at] = new Block { Hash = hash, Next = bucket };
        bucket = at;
        Set(at).Clear();
        return at;
    }

    public void Close(int block)
    {
        ref var link = ref _buckets[Bucket(_blocks[block].Hash)];
        while (link != block)
        {
            link = ref _blocks[link].Next;
        }

        link = _blocks[block].Next;
        _blocks[block].Next = _free;
        _free = block;
    }

    public void Add(int block, int replica)
    {
        ReplicaSet.Add(Set(block), replica);
        _blocks[block].Count++;
    }

    /// <summary>True where so few are left that the block is to leave.</summary>
    public bool Remove(int block, int replica)
    {
        ReplicaSet.Remove(Set(block), replica);
        return --_blocks[block].Count <= _leaveAt;
    }

    public void Save(StateWriter to)
    {
        to.Write(_free);
        to.Write(_used);
        to.WriteAll<int>(_buckets);
        to.WriteAll<Block>(_blocks.AsSpan(0, _used + 1));
        to.WriteAll<ulong>(_sets.AsSpan(0, (_used + 1) * _words));
    }

    public void Load(ref StateReader from)
    {
        _free = from.Read<int>();
        _used = from.Read<int>();
        from.ReadAll<int>(_buckets);
        from.ReadAll<Block>(_blocks);
        from.ReadAll<ulong>(_sets);
    }

    private int Bucket(ulong hash) => (int)(hash ^ (hash >> 32)) & (_buckets.Length - 1);

    private Span<ulong> Set(int block) => _sets.AsSpan(block * _words, _words);

    private struct Block
    {
        public ulong Hash;
        public int Next;
        public int Count;
    }
}
