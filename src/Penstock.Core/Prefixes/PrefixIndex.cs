using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What each replica of a pool is believed to hold in its prefix cache, learned from what was routed there. A bounded
/// table of (block hash, replica) pairs; every replica has an LRU list of its own with a hard cap.
/// </summary>
/// <remarks>
/// All memory is allocated by the constructor: <see cref="BytesPerEntry"/> bytes a pair. An insertion touches the chain
/// from its end to its start, so of one chain the deepest blocks are the first to be evicted, and what a replica
/// holds of a chain is always a prefix of it. Not thread-safe: the owner of the pool state calls it.
/// </remarks>
public sealed class PrefixIndex
{
    /// <summary>Bytes of memory per (block, replica) pair, hash table included.</summary>
    public const int BytesPerEntry = 32;

    private const int None = -1;

    private readonly int[] _buckets;
    private readonly Entry[] _entries;
    private readonly List[] _lists;
    private readonly int _mask;
    private int _free = None;
    private int _used;

    /// <param name="replicasMax">Replica slots of the pool.</param>
    /// <param name="blocksPerReplica">Blocks remembered of each replica at most.</param>
    public PrefixIndex(int replicasMax, int blocksPerReplica)
    {
        Check.That(replicasMax > 0 && blocksPerReplica > 0);
        BlocksPerReplica = blocksPerReplica;
        var capacity = checked(replicasMax * blocksPerReplica);
        var buckets = 16;
        while (buckets < capacity)
        {
            buckets *= 2;
        }

        _mask = buckets - 1;
        _buckets = new int[buckets];
        Array.Fill(_buckets, None);
        _entries = new Entry[capacity];
        _lists = new List[replicasMax];
        Array.Fill(_lists, new List { Head = None, Tail = None });
    }

    /// <summary>Blocks remembered of each replica at most.</summary>
    public int BlocksPerReplica { get; }

    /// <summary>Blocks remembered of one replica now.</summary>
    public int CountOf(int replica) => _lists[replica].Count;

    /// <summary>
    /// For every replica, how many leading blocks of <paramref name="chain"/> it is believed to hold, into
    /// <paramref name="matched"/> (one element per replica slot).
    /// </summary>
    public void Match(ReadOnlySpan<ulong> chain, Span<int> matched)
    {
        matched.Clear();
        for (var depth = 0; depth < chain.Length; depth++)
        {
            var any = false;
            for (var at = _buckets[Bucket(chain[depth])]; at != None; at = _entries[at].Next)
            {
                ref readonly var entry = ref _entries[at];
                if (entry.Hash == chain[depth] && matched[entry.Replica] == depth)
                {
                    matched[entry.Replica] = depth + 1;
                    any = true;
                }
            }

            if (!any)
            {
                return;
            }
        }
    }

    /// <summary>Notes that <paramref name="replica"/> now holds <paramref name="chain"/> (its first blocks, where it is
    /// longer than the cap).</summary>
    public void Insert(ReadOnlySpan<ulong> chain, int replica)
    {
        for (var depth = Math.Min(chain.Length, BlocksPerReplica) - 1; depth >= 0; depth--)
        {
            var at = Find(chain[depth], replica);
            if (at == None)
            {
                at = Add(chain[depth], replica);
            }
            else
            {
                Unlink(at);
            }

            LinkFirst(at, replica);
        }
    }

    /// <summary>Forgets all that is believed of one replica: it restarted, or it left.</summary>
    public void Clear(int replica)
    {
        while (_lists[replica].Tail != None)
        {
            Evict(replica);
        }
    }

    private int Bucket(ulong hash) => (int)(hash ^ (hash >> 32)) & _mask;

    private int Find(ulong hash, int replica)
    {
        var at = _buckets[Bucket(hash)];
        while (at != None && (_entries[at].Hash != hash || _entries[at].Replica != replica))
        {
            at = _entries[at].Next;
        }

        return at;
    }

    private int Add(ulong hash, int replica)
    {
        if (_lists[replica].Count == BlocksPerReplica)
        {
            Evict(replica);
        }

        var at = _free;
        if (at != None)
        {
            _free = _entries[at].Next;
        }
        else
        {
            at = _used++;
        }

        ref var bucket = ref _buckets[Bucket(hash)];
        _entries[at] = new Entry { Hash = hash, Replica = replica, Next = bucket };
        bucket = at;
        return at;
    }

    private void Evict(int replica)
    {
        var at = _lists[replica].Tail;
        Unlink(at);
        ref var link = ref _buckets[Bucket(_entries[at].Hash)];
        while (link != at)
        {
            link = ref _entries[link].Next;
        }

        link = _entries[at].Next;
        _entries[at].Next = _free;
        _free = at;
    }

    private void LinkFirst(int at, int replica)
    {
        ref var list = ref _lists[replica];
        _entries[at].Newer = None;
        _entries[at].Older = list.Head;
        if (list.Head != None)
        {
            _entries[list.Head].Newer = at;
        }
        else
        {
            list.Tail = at;
        }

        list.Head = at;
        list.Count++;
    }

    private void Unlink(int at)
    {
        ref var entry = ref _entries[at];
        ref var list = ref _lists[entry.Replica];
        if (entry.Newer != None)
        {
            _entries[entry.Newer].Older = entry.Older;
        }
        else
        {
            list.Head = entry.Older;
        }

        if (entry.Older != None)
        {
            _entries[entry.Older].Newer = entry.Newer;
        }
        else
        {
            list.Tail = entry.Newer;
        }

        list.Count--;
    }

    private struct Entry
    {
        public ulong Hash;
        public int Replica;
        public int Next;
        public int Newer;
        public int Older;
    }

    private struct List
    {
        public int Head;
        public int Tail;
        public int Count;
    }
}
