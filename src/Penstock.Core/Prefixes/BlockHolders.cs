using System.Numerics;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// The (block, replica) pairs of a prefix index: a hash table of all pairs, and an LRU list of each replica's.
/// </summary>
/// <remarks>
/// The few holders of an ordinary block lie in the bucket of its hash, one after the other. A block that many hold
/// (the head that all prompts share) would make that bucket long; such a block moves to <see cref="SharedBlocks"/>,
/// which knows its holders as a set, and each of its pairs to a bucket of its own.
/// </remarks>
internal sealed class BlockHolders
{
    private const int None = 0;

    private readonly int[] _buckets;
    private readonly Pair[] _pairs;
    private readonly List[] _lists;
    private readonly SharedBlocks _shared;
    private int _free = None;
    private int _used;

    public BlockHolders(int replicas, int blocksPerReplica)
    {
        BlocksPerReplica = blocksPerReplica;
        var capacity = checked(replicas * blocksPerReplica);
        _buckets = new int[(int)BitOperations.RoundUpToPowerOf2(((uint)capacity / 2) + 1)];
        _pairs = new Pair[capacity + 1];
        _lists = new List[replicas];
        _shared = new SharedBlocks(replicas, capacity);
    }

    public int BlocksPerReplica { get; }

    public int CountOf(int replica) => _lists[replica].Count;

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
                ReplicaSet.Add(holders, _pairs[at].Replica);
            }
        }
    }

    /// <summary>Makes the block the newest of the replica's; its oldest goes where there is no room.</summary>
    public void Touch(ulong hash, int replica)
    {
        var shared = _shared.Find(hash);
        var at = FindPair(hash, replica, shared, out var others);
        if (at != None)
        {
            if (_lists[replica].Newest != at)
            {
                Unlink(at);
                LinkNewest(at, replica);
            }

            return;
        }

        if (_lists[replica].Count == BlocksPerReplica)
        {
            Evict(replica);
        }

        if (shared == SharedBlocks.None && others >= _shared.HoldersMin)
        {
            shared = Share(hash);
        }

        LinkNewest(Add(hash, replica, shared), replica);
    }

    /// <summary>Forgets the oldest block of a replica.</summary>
    public void Evict(int replica)
    {
        var at = _lists[replica].Oldest;
        Unlink(at);
        var hash = _pairs[at].Hash;
        var shared = _shared.Find(hash);
        Leave(Bucket(hash, replica, shared), at);
        if (shared != SharedBlocks.None && _shared.Remove(shared, replica))
        {
            Unshare(shared);
        }

        _pairs[at].Next = _free;
        _free = at;
    }

    public void Save(StateWriter to)
    {
        to.Write(_free);
        to.Write(_used);
        to.WriteAll<int>(_buckets);
        to.WriteAll<Pair>(_pairs.AsSpan(0, _used + 1));
        to.WriteAll<List>(_lists);
        _shared.Save(to);
    }

    public void Load(ref StateReader from)
    {
        _free = from.Read<int>();
        _used = from.Read<int>();
        from.ReadAll<int>(_buckets);
        from.ReadAll<Pair>(_pairs);
        from.ReadAll<List>(_lists);
        _shared.Load(ref from);
    }

    private int Bucket(ulong hash) => (int)(hash ^ (hash >> 32)) & (_buckets.Length - 1);

    private int Bucket(ulong hash, int replica, int shared) =>
        shared == SharedBlocks.None ? Bucket(hash) : Bucket(Hash64.Combine(hash, (ulong)replica));

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
                if (pair.Replica == replica)
                {
                    return at;
                }

                others++;
            }

            at = pair.Next;
        }

        return None;
    }

    private int Add(ulong hash, int replica, int shared)
    {
        if (shared != SharedBlocks.None)
        {
            _shared.Add(shared, replica);
        }

        var at = _free;
        if (at != None)
        {
            _free = _pairs[at].Next;
        }
        else
        {
            at = ++_used;
        }

        _pairs[at].Hash = hash;
        _pairs[at].Replica = replica;
        Enter(Bucket(hash, replica, shared), at);
        return at;
    }

    /// <summary>Moves the pairs of a block out of its bucket, each to its own.</summary>
    private int Share(ulong hash)
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
            _shared.Add(shared, _pairs[at].Replica);
            Enter(Bucket(hash, _pairs[at].Replica, shared), at);
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

    private void LinkNewest(int at, int replica)
    {
        ref var list = ref _lists[replica];
        _pairs[at].Newer = None;
        _pairs[at].Older = list.Newest;
        if (list.Newest != None)
        {
            _pairs[list.Newest].Newer = at;
        }
        else
        {
            list.Oldest = at;
        }

        list.Newest = at;
        list.Count++;
    }

    private void Unlink(int at)
    {
        ref var pair = ref _pairs[at];
        ref var list = ref _lists[pair.Replica];
        (pair.Newer != None ? ref _pairs[pair.Newer].Older : ref list.Newest) = pair.Older;
        (pair.Older != None ? ref _pairs[pair.Older].Newer : ref list.Oldest) = pair.Newer;
        list.Count--;
    }

    private struct Pair
    {
        public ulong Hash;
        public int Replica;
        public int Next;
        public int Newer;
        public int Older;
    }

    private struct List
    {
        public int Newest;
        public int Oldest;
        public int Count;
    }
}
