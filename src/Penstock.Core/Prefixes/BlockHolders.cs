using System.Numerics;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// The (block, replica) pairs of a prefix index: a hash table of all of them. Every replica has its own share of the
/// table, which is its hard cap.
/// </summary>
/// <remarks>
/// The few holders of an ordinary block are found under its hash, one after the other. A block that many hold (the head
/// that all prompts share) would make that a long way; such a block moves to <see cref="SharedBlocks"/>, which knows
/// its holders as a set, and each of its pairs to a key of its own.
/// </remarks>
internal sealed class BlockHolders
{
    public const int None = 0;

    /// <summary>Keys under which the holders of a block lie.</summary>
    private const int Groups = 4;

    /// <summary>Blocks that are read ahead.</summary>
    public const int Batch = 16;

    private readonly PairTable _table;
    private readonly CachedBlock[] _pairs;
    private readonly Share[] _shares;
    private readonly SharedBlocks _shared;
    private readonly ulong[] _holders;
    private readonly int _stride;
    private readonly ulong _reciprocal;
    private int _warm;

    public BlockHolders(int replicas, int blocksPerReplica)
    {
        BlocksPerReplica = blocksPerReplica;
        var capacity = checked(replicas * blocksPerReplica);
        _table = new PairTable(capacity);
        _pairs = new CachedBlock[capacity + 1];
        _shares = new Share[replicas];
        _shared = new SharedBlocks(replicas, capacity);
        _holders = new ulong[ReplicaSet.Words(replicas)];
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
        for (var group = 0; group < Groups; group++)
        {
            var probe = _table.Find(KeyOf(hash, group));
            while (probe.Next() is not None and var at)
            {
                if (_pairs[at].Hash == hash)
                {
                    ReplicaSet.Add(holders, ReplicaOf(at));
                }
            }
        }
    }

    /// <summary>The pair; <see cref="None"/> where there is none.</summary>
    public int Find(ulong hash, int replica) =>
        FindPair(hash, replica, KeyOf(hash, replica, _shared.Find(hash) != SharedBlocks.None));

    /// <summary>Adds a pair that is not there, with no tokens and in no list. The replica must not be full.</summary>
    public int Add(ulong hash, int replica)
    {
        var at = TakePlace(replica);
        var shared = _shared.Find(hash);
        _pairs[at] = new CachedBlock { Hash = hash, IsShared = shared != SharedBlocks.None };
        var alike = _table.Add(KeyOf(hash, replica, shared != SharedBlocks.None), at);
        if (shared != SharedBlocks.None)
        {
            _shared.Add(shared, replica);
        }
        else if (alike > _shared.HoldersMin / Groups && HasMany(hash))
        {
            MoveToShared(hash);
        }

        return at;
    }

    private int TakePlace(int replica)
    {
        ref var share = ref _shares[replica];
        Check.That(share.Count < BlocksPerReplica);
        share.Count++;
        var at = share.Free;
        if (at != None)
        {
            share.Free = _pairs[at].Newer;
        }
        else
        {
            at = (replica * _stride) + ++share.Used;
        }

        return at;
    }

    /// <summary>Takes a pair out of the table. It must be in no list.</summary>
    public void Remove(int at, int replica)
    {
        var hash = _pairs[at].Hash;
        var isShared = _pairs[at].IsShared;
        _table.Remove(KeyOf(hash, replica, isShared), at);
        if (isShared && _shared.Find(hash) is var shared && _shared.Remove(shared, replica))
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

    /// <summary>The pairs of the next blocks of a chain, <see cref="Batch"/> of them at most, all at once, so that none
    /// of them waits for another's memory. To be called with every block; works on each sixteenth.</summary>
    public void Find(ReadOnlySpan<ulong> chain, int depth, int replica, Span<int> places)
    {
        if (depth % Batch != 0)
        {
            return;
        }

        Span<ulong> keys = stackalloc ulong[Batch];
        var hashes = chain.Slice(depth, Math.Min(Batch, chain.Length - depth));
        Warm(hashes, replica, keys);
        for (var i = 0; i < hashes.Length; i++)
        {
            places[depth + i] = FindPair(hashes[i], replica, keys[i]);
        }
    }

    /// <summary>Reads what will be needed to find, add or remove some blocks of a replica, all at once, so that what
    /// follows does not wait for memory block by block.</summary>
    public void Warm(ReadOnlySpan<ulong> hashes, int replica)
    {
        Span<ulong> keys = stackalloc ulong[Batch];
        Warm(hashes, replica, keys);
    }

    private void Warm(ReadOnlySpan<ulong> hashes, int replica, Span<ulong> keys)
    {
        var sum = 0;
        for (var i = 0; i < hashes.Length; i++)
        {
            keys[i] = KeyOf(hashes[i], replica, _shared.Find(hashes[i]) != SharedBlocks.None);
            sum += _table.Warm(keys[i]);
        }

        _warm = sum;
    }

    public void Save(StateWriter to)
    {
        _table.Save(to);
        to.WriteAll<Share>(_shares);
        for (var replica = 0; replica < _shares.Length; replica++)
        {
            to.WriteAll<CachedBlock>(_pairs.AsSpan((replica * _stride) + 1, _shares[replica].Used));
        }

        _shared.Save(to);
    }

    public void Load(ref StateReader from)
    {
        _table.Load(ref from);
        from.ReadAll<Share>(_shares);
        for (var replica = 0; replica < _shares.Length; replica++)
        {
            from.ReadAll(_pairs.AsSpan((replica * _stride) + 1, _stride));
        }

        _shared.Load(ref from);
    }

    private static ulong KeyOf(ulong hash, int replica, bool isShared) =>
        isShared ? Hash64.Combine(hash, (ulong)replica) : KeyOf(hash, replica);

    /// <summary>Under what a block that is not shared lies. Equal keys crowd a table, so that the holders of a block
    /// are parted into a few groups.</summary>
    private static ulong KeyOf(ulong hash, int replica) =>
        hash + ((ulong)(replica % Groups) * 0x9FB21C651E98DF25UL);

    private int ReplicaOf(int at) =>
        _stride == 1 ? at - 1 : (int)Math.BigMul(_reciprocal, (ulong)(uint)(at - 1), out _);

    private int FindPair(ulong hash, int replica, ulong key) =>
        _table.Find(key, _pairs, hash, (replica * _stride) + 1, _stride);

    /// <summary>Whether a block that is not shared has more holders than it takes to be. To be asked where one group
    /// of them looks large: there are mostly few.</summary>
    private bool HasMany(ulong hash)
    {
        Find(hash, _holders);
        return ReplicaSet.Count(_holders) > _shared.HoldersMin;
    }

    /// <summary>Gives each pair of a block a key of its own.</summary>
    private void MoveToShared(ulong hash)
    {
        var shared = _shared.Open(hash);
        for (var group = 0; group < Groups; group++)
        {
            while (FindAny(hash, group) is not None and var at)
            {
                var replica = ReplicaOf(at);
                _table.Remove(KeyOf(hash, group), at);
                _table.Add(KeyOf(hash, replica, isShared: true), at);
                _pairs[at].IsShared = true;
                _shared.Add(shared, replica);
            }
        }
    }

    private int FindAny(ulong hash, int group)
    {
        var probe = _table.Find(KeyOf(hash, group));
        int at;
        do
        {
            at = probe.Next();
        }
        while (at != None && (_pairs[at].Hash != hash || _pairs[at].IsShared));

        return at;
    }

    /// <summary>Moves the pairs of a block that few hold by now back under its hash.</summary>
    private void Unshare(int shared)
    {
        var hash = _shared.HashOf(shared);
        for (var replica = _shared.Next(shared, 0); replica >= 0; replica = _shared.Next(shared, replica + 1))
        {
            var key = KeyOf(hash, replica, isShared: true);
            var at = FindPair(hash, replica, key);
            _table.Remove(key, at);
            _table.Add(KeyOf(hash, replica), at);
            _pairs[at].IsShared = false;
        }

        _shared.Close(shared);
    }

    /// <summary>A replica's part of the table.</summary>
    private struct Share
    {
        public int Free;
        public int Used;
        public int Count;
    }
}
