using System.Numerics;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// The (block, replica) pairs of a prefix index: a hash table of all of them. Every replica has its own share of the
/// table, which is its hard cap.
/// </summary>
/// <remarks>
/// The few holders of an ordinary block lie in the bucket of its hash, one after the other. A block that many hold
/// (the head that all prompts share) would make that bucket long; such a block moves to <see cref="SharedBlocks"/>,
/// which knows its holders as a set, and each of its pairs to a bucket of its own.
/// </remarks>
internal sealed class BlockHolders
{
    public const int None = 0;

    /// <summary>Blocks that are read ahead.</summary>
    public const int Batch = 16;

    private readonly int[] _buckets;
    private readonly CachedBlock[] _pairs;
    private readonly Share[] _shares;
    private readonly SharedBlocks _shared;
    private readonly int _stride;
    private readonly ulong _reciprocal;
    private int _warm;

    public BlockHolders(int replicas, int blocksPerReplica)
    {
        BlocksPerReplica = blocksPerReplica;
        var capacity = checked(replicas * blocksPerReplica);
        _buckets = new int[(int)BitOperations.RoundUpToPowerOf2(((uint)capacity / 2) + 1)];
        _pairs = new CachedBlock[capacity + 1];
        _shares = new Share[replicas];
        _shared = new SharedBlocks(replicas, capacity);
        _stride = blocksPerReplica;

        // Exact for all places of 32 bits: Lemire, Kaser, Kurz, "Faster remainder by direct computation", 2019.
        _reciprocal = (ulong.MaxValue / (uint)_stride) + 1;
    }

    public int BlocksPerReplica { get; }

    public ref CachedBlock this[int at] => ref _pairs[at];

    public int CountOf(int replica) => _shares[replica].Count;

    public bool IsFull(int replica) => _shares[replica].Count == BlocksPerReplica;

    /// <summary>Who holds the block, into <paramref name="holders"/>.</summary>
    public void Find(ulong hash, Span<ulong> holders)
    {
        var shared = _shared.Find(hash);
        if (shared != SharedBlocks.None)
        {
            _shared.HoldersOf(shared).CopyTo(holders);
            return;
        }

        holders.Clear();
        for (var at = _buckets[Bucket(hash)]; at != None; at = _pairs[at].Next)
        {
            if (_pairs[at].Hash == hash)
            {
                ReplicaSet.Add(holders, ReplicaOf(at));
            }
        }
    }

    /// <summary>The pair; <see cref="None"/> where there is none.</summary>
    public int Find(ulong hash, int replica) => FindPair(hash, replica, _shared.Find(hash), out _);

    /// <summary>Adds a pair that is not there, with no tokens and in no list. The replica must not be full.</summary>
    public int Add(ulong hash, int replica)
    {
        var shared = _shared.Find(hash);
        if (shared == SharedBlocks.None)
        {
            FindPair(hash, replica, shared, out var others);
            if (others >= _shared.HoldersMin)
            {
                shared = MoveToShared(hash);
            }
        }

        if (shared != SharedBlocks.None)
        {
            _shared.Add(shared, replica);
        }

        ref var share = ref _shares[replica];
        Check.That(share.Count < BlocksPerReplica);
        share.Count++;
        var at = share.Free;
        if (at != None)
        {
            share.Free = _pairs[at].Next;
        }
        else
        {
            at = (replica * _stride) + ++share.Used;
        }

        _pairs[at] = new CachedBlock { Hash = hash };
        Enter(Bucket(hash, replica, shared), at);
        return at;
    }

    /// <summary>Takes a pair out of the table. It must be in no list.</summary>
    public void Remove(int at, int replica)
    {
        var hash = _pairs[at].Hash;
        var shared = _shared.Find(hash);
        Leave(Bucket(hash, replica, shared), at);
        if (shared != SharedBlocks.None && _shared.Remove(shared, replica))
        {
            Unshare(shared);
        }

        ref var share = ref _shares[replica];
        _pairs[at].SetFree(share.Free);
        share.Free = at;
        share.Count--;
    }

    /// <summary>Takes all pairs of a replica out of the table.</summary>
    public void Clear(int replica)
    {
        ref var share = ref _shares[replica];
        var first = (replica * _stride) + 1;
        for (var at = first; at < first + share.Used; at++)
        {
            if (!_pairs[at].IsFree)
            {
                Remove(at, replica);
            }
        }

        share = default;
    }

    /// <summary>Reads where the next blocks of a chain lie, all at once, so that what follows does not wait for memory
    /// block by block. To be called with every block; works on each sixteenth.</summary>
    public void Warm(ReadOnlySpan<ulong> chain, int depth)
    {
        if (depth % Batch != 0 || depth == chain.Length)
        {
            return;
        }

        Span<int> heads = stackalloc int[Batch];
        var hashes = chain.Slice(depth, Math.Min(Batch, chain.Length - depth));
        for (var i = 0; i < hashes.Length; i++)
        {
            heads[i] = _buckets[Bucket(hashes[i])];
        }

        var sum = 0;
        for (var i = 0; i < hashes.Length; i++)
        {
            sum += _pairs[heads[i]].Next;
        }

        _warm = sum;
    }

    public void Save(StateWriter to)
    {
        to.WriteAll<int>(_buckets);
        to.WriteAll<Share>(_shares);
        for (var replica = 0; replica < _shares.Length; replica++)
        {
            to.WriteAll<CachedBlock>(_pairs.AsSpan((replica * _stride) + 1, _shares[replica].Used));
        }

        _shared.Save(to);
    }

    public void Load(ref StateReader from)
    {
        from.ReadAll<int>(_buckets);
        from.ReadAll<Share>(_shares);
        for (var replica = 0; replica < _shares.Length; replica++)
        {
            from.ReadAll(_pairs.AsSpan((replica * _stride) + 1, _stride));
        }

        _shared.Load(ref from);
    }

    private int Bucket(ulong hash) => (int)(hash ^ (hash >> 32)) & (_buckets.Length - 1);

    private int Bucket(ulong hash, int replica, int shared) =>
        shared == SharedBlocks.None ? Bucket(hash) : Bucket(Hash64.Combine(hash, (ulong)replica));

    private int ReplicaOf(int at) =>
        _stride == 1 ? at - 1 : (int)Math.BigMul(_reciprocal, (ulong)(uint)(at - 1), out _);

    private bool IsOf(int at, int replica) => (uint)(at - 1 - (replica * _stride)) < (uint)_stride;

    /// <summary>The pair, or none and how many others hold a block that is not shared.</summary>
    private int FindPair(ulong hash, int replica, int shared, out int others)
    {
        others = 0;
        var at = _buckets[Bucket(hash, replica, shared)];
        while (at != None)
        {
            ref readonly var pair = ref _pairs[at];
            if (pair.Hash == hash)
            {
                if (IsOf(at, replica))
                {
                    return at;
                }

                others++;
            }

            at = pair.Next;
        }

        return None;
    }

    /// <summary>Moves the pairs of a block out of its bucket, each to its own.</summary>
    private int MoveToShared(ulong hash)
    {
        var shared = _shared.Open(hash);
        ref var link = ref _buckets[Bucket(hash)];
        var moved = None;
        while (link != None)
        {
            ref var pair = ref _pairs[link];
            if (pair.Hash == hash)
            {
                var at = link;
                link = pair.Next;
                pair.Next = moved;
                moved = at;
            }
            else
            {
                link = ref pair.Next;
            }
        }

        while (moved != None)
        {
            var at = moved;
            moved = _pairs[at].Next;
            _shared.Add(shared, ReplicaOf(at));
            Enter(Bucket(hash, ReplicaOf(at), shared), at);
        }

        return shared;
    }

    /// <summary>Moves the pairs of a block that few hold by now back into its bucket.</summary>
    private void Unshare(int shared)
    {
        var hash = _shared.HashOf(shared);
        for (var replica = _shared.Next(shared, 0); replica >= 0; replica = _shared.Next(shared, replica + 1))
        {
            var at = FindPair(hash, replica, shared, out _);
            Leave(Bucket(hash, replica, shared), at);
            Enter(Bucket(hash), at);
        }

        _shared.Close(shared);
    }

    private void Enter(int bucket, int at)
    {
        _pairs[at].Next = _buckets[bucket];
        _buckets[bucket] = at;
    }

    private void Leave(int bucket, int at)
    {
        ref var link = ref _buckets[bucket];
        while (link != at)
        {
            Check.That(link != None);
            link = ref _pairs[link].Next;
        }

        link = _pairs[at].Next;
    }

    /// <summary>A replica's part of the table.</summary>
    private struct Share
    {
        public int Free;
        public int Used;
        public int Count;
    }
}
