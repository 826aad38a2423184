namespace Penstock.Gateway.CacheSync;

/// <summary>Chains of prompts asked for lately, the least recently used ones forgotten. Thread-safe.</summary>
internal sealed class ChainCache(long bytesMax)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, LinkedListNode<(UInt128 Key, CachedChain Chain)>> _nodes = [];
    private readonly LinkedList<(UInt128 Key, CachedChain Chain)> _newestFirst = new();
    private long _bytes;

    /// <summary>Bytes of the chains kept.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    public CachedChain? Find(UInt128 key)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(key, out var node))
            {
                return null;
            }

            _newestFirst.Remove(node);
            _newestFirst.AddFirst(node);
            return node.Value.Chain;
        }
    }

    public void Add(UInt128 key, CachedChain chain)
    {
        lock (_lock)
        {
            if (_nodes.ContainsKey(key))
            {
                return;
            }

            _nodes.Add(key, _newestFirst.AddFirst((key, chain)));
            _bytes += chain.Bytes;
            while (_bytes > bytesMax && _newestFirst.Last is { } oldest)
            {
                _newestFirst.RemoveLast();
                _nodes.Remove(oldest.Value.Key);
                _bytes -= oldest.Value.Chain.Bytes;
            }
        }
    }
}
