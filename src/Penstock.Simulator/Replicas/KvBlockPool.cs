using System.Runtime.InteropServices;
using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>
/// The paged KV memory of one replica with its prefix cache, after vLLM's block pool: blocks are counted by reference;
/// a block that nobody holds keeps its content and goes to the end of the free list, from whose front new blocks are
/// taken, so that the least recently used content is the first to be lost.
/// </summary>
internal sealed class KvBlockPool
{
    private const int None = -1;

    private readonly int[] _references;
    private readonly ulong[] _hashes;
    private readonly bool[] _indexed;
    private readonly int[] _nextEqual;
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly Dictionary<ulong, int> _index = [];
    private readonly int _list;
    private readonly CacheEventLog? _events;

    public KvBlockPool(int blocks, CacheEventLog? events)
    {
        _events = events;
        Capacity = blocks;
        FreeCount = blocks;
        _references = new int[blocks];
        _hashes = new ulong[blocks];
        _indexed = new bool[blocks];
        _nextEqual = new int[blocks];
        _next = new int[blocks + 1];
        _previous = new int[blocks + 1];

        // The entry after the last block is the head of the circular free list.
        _list = blocks;
        for (var i = 0; i <= blocks; i++)
        {
            _next[i] = i == blocks ? 0 : i + 1;
            _previous[i] = i == 0 ? blocks : i - 1;
        }
    }

    public int Capacity { get; }

    /// <summary>Blocks that can be taken, those that still hold cached content included.</summary>
    public int FreeCount { get; private set; }

    public int UsedCount => Capacity - FreeCount;

    /// <summary>The block with that content, held or free, or −1.</summary>
    public int Find(ulong hash) => _index.TryGetValue(hash, out var block) ? block : None;

    /// <summary>True where nobody holds the block, so that holding it takes one from the free ones.</summary>
    public bool IsFree(int block) => _references[block] == 0;

    /// <summary>Takes the least recently used free block; its old content is gone.</summary>
    public int Take()
    {
        Check.That(FreeCount > 0);
        var block = _next[_list];
        Check.That(block != _list && _references[block] == 0);
        Unlink(block);
        if (_indexed[block])
        {
            Unindex(block);
            _events?.Removed(_hashes[block]);
        }

        _references[block] = 1;
        return block;
    }

    /// <summary>Holds a block whose content is <paramref name="hash"/>.</summary>
    public void Share(int block, ulong hash)
    {
        Check.That(_indexed[block] && _hashes[block] == hash);
        if (_references[block]++ == 0)
        {
            Unlink(block);
        }
    }

    /// <summary>
    /// Makes the content of a held block known. Others with the same content stay known; the first of them is found.
    /// </summary>
    public void Publish(int block, ulong hash)
    {
        Check.That(_references[block] > 0 && !_indexed[block]);
        _hashes[block] = hash;
        _indexed[block] = true;
        _nextEqual[block] = None;
        ref var first = ref CollectionsMarshal.GetValueRefOrAddDefault(_index, hash, out var known);
        if (!known)
        {
            first = block;
            return;
        }

        var last = first;
        while (_nextEqual[last] != None)
        {
            last = _nextEqual[last];
        }

        _nextEqual[last] = block;
    }

    /// <summary>Lets a block go; its content stays findable until the block is taken.</summary>
    public void Release(int block)
    {
        Check.That(_references[block] > 0);
        if (--_references[block] > 0)
        {
            return;
        }

        var last = _previous[_list];
        _next[last] = block;
        _previous[block] = last;
        _next[block] = _list;
        _previous[_list] = block;
        FreeCount++;
    }

    /// <summary>Forgets what free blocks hold; nobody may hold one.</summary>
    public void Forget()
    {
        Check.That(UsedCount == 0);
        _index.Clear();
        Array.Clear(_indexed);
    }

    /// <summary>Calls <paramref name="found"/> with the hash of every known block.</summary>
    public void Visit(Action<ulong> found)
    {
        foreach (var hash in _index.Keys)
        {
            found(hash);
        }
    }

    /// <summary>Walks everything and fails where the books do not agree. For tests: O(blocks).</summary>
    public void Verify()
    {
        var free = 0;
        for (var block = _next[_list]; block != _list; block = _next[block])
        {
            Check.That(_references[block] == 0);
            Check.That(_previous[_next[block]] == block);
            free++;
            Check.That(free <= Capacity);
        }

        var indexed = 0;
        var held = 0;
        for (var block = 0; block < Capacity; block++)
        {
            held += _references[block] > 0 ? 1 : 0;
            indexed += _indexed[block] ? 1 : 0;
        }

        foreach (var (hash, first) in _index)
        {
            for (var block = first; block != None; block = _nextEqual[block])
            {
                Check.That(_indexed[block] && _hashes[block] == hash);
                indexed--;
            }
        }

        Check.That(free == FreeCount && held + free == Capacity && indexed == 0);
    }

    private void Unindex(int block)
    {
        _indexed[block] = false;
        ref var first = ref CollectionsMarshal.GetValueRefOrNullRef(_index, _hashes[block]);
        if (first != block)
        {
            var before = first;
            while (_nextEqual[before] != block)
            {
                before = _nextEqual[before];
            }

            _nextEqual[before] = _nextEqual[block];
        }
        else if (_nextEqual[block] != None)
        {
            first = _nextEqual[block];
        }
        else
        {
            _index.Remove(_hashes[block]);
        }
    }

    private void Unlink(int block)
    {
        _next[_previous[block]] = _next[block];
        _previous[_next[block]] = _previous[block];
        FreeCount--;
    }
}
