using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>
/// A prefix tree over page hashes, after SGLang's radix cache: a node holds a run of pages, a lookup that ends inside
/// a run parts it, every visit is remembered, and the leaf that was not visited for the longest time is lost whole.
/// A locked node and all above it stay.
/// </summary>
/// <remarks>
/// The hash of a page covers everything before it, so the first hash of a run names its node and two equal hashes
/// mean equal prefixes.
/// </remarks>
internal sealed class RadixTree(CacheEventLog? events)
{
    private readonly Dictionary<ulong, RadixNode> _byFirst = [];
    private readonly SortedSet<RadixNode> _leaves = new(RadixNode.LeastRecentFirst);
    private readonly RadixNode _root = new(0, []) { Locks = 1 };
    private long _visits;
    private long _nodes;

    /// <summary>Pages in the tree.</summary>
    public int Count { get; private set; }

    /// <summary>Pages that cannot be lost now.</summary>
    public int LockedCount { get; private set; }

    public int EvictableCount => Count - LockedCount;

    /// <summary>The node at which the longest cached prefix ends; the root where there is none.</summary>
    public RadixNode Match(ReadOnlySpan<ulong> chain, out int pages)
    {
        var visit = ++_visits;
        var node = _root;
        pages = 0;
        while (pages < chain.Length && _byFirst.TryGetValue(chain[pages], out var child))
        {
            Visit(child, visit);
            var common = child.Pages.AsSpan().CommonPrefixLength(chain[pages..]);
            pages += common;
            if (common < child.Pages.Length)
            {
                return Part(child, common, visit);
            }

            node = child;
        }

        return node;
    }

    /// <summary>Pages at the start of a chain that are in the tree; visits nothing.</summary>
    public int CountCommon(ReadOnlySpan<ulong> chain)
    {
        var pages = 0;
        while (pages < chain.Length && _byFirst.TryGetValue(chain[pages], out var child))
        {
            var common = child.Pages.AsSpan().CommonPrefixLength(chain[pages..]);
            pages += common;
            if (common < child.Pages.Length)
            {
                break;
            }
        }

        return pages;
    }

    /// <summary>Adds what is missing of a prefix as one leaf; <paramref name="known"/> pages were there.</summary>
    public RadixNode Insert(ReadOnlySpan<ulong> chain, out int known)
    {
        var node = Match(chain, out known);
        if (known == chain.Length)
        {
            return node;
        }

        var leaf = new RadixNode(++_nodes, chain[known..].ToArray()) { Parent = node, LastVisit = _visits };
        _leaves.Remove(node);
        node.Children++;
        _byFirst.Add(leaf.Pages[0], leaf);
        _leaves.Add(leaf);
        Count += leaf.Pages.Length;
        return leaf;
    }

    /// <summary>Keeps a node and all above it.</summary>
    public void Lock(RadixNode node)
    {
        for (; node.Parent is { } parent; node = parent)
        {
            if (node.Locks++ == 0)
            {
                LockedCount += node.Pages.Length;
                _leaves.Remove(node);
            }
        }
    }

    public void Unlock(RadixNode node)
    {
        for (; node.Parent is { } parent; node = parent)
        {
            Check.That(node.Locks > 0);
            if (--node.Locks == 0)
            {
                LockedCount -= node.Pages.Length;
                AddIfLeaf(node);
            }
        }
    }

    /// <summary>Loses whole leaves until at least that many pages are gone.</summary>
    public void Evict(int pages)
    {
        Check.That(pages <= EvictableCount);
        for (var gone = 0; gone < pages;)
        {
            var leaf = _leaves.Min!;
            var parent = leaf.Parent!;
            _leaves.Remove(leaf);
            _byFirst.Remove(leaf.Pages[0]);
            Count -= leaf.Pages.Length;
            gone += leaf.Pages.Length;
            parent.Children--;
            AddIfLeaf(parent);
            events?.Removed(leaf.Pages);
        }
    }

    /// <summary>Loses everything; nothing may be locked.</summary>
    public void Clear()
    {
        Check.That(LockedCount == 0);
        _byFirst.Clear();
        _leaves.Clear();
        _root.Children = 0;
        Count = 0;
        events?.Cleared();
    }

    public void VisitPages(Action<ulong> found)
    {
        foreach (var node in _byFirst.Values)
        {
            foreach (var page in node.Pages)
            {
                found(page);
            }
        }
    }

    /// <summary>Walks everything and fails where the books do not agree.</summary>
    public void Verify()
    {
        var pages = 0;
        var locked = 0;
        var leaves = 0;
        var children = 0;
        foreach (var (first, node) in _byFirst)
        {
            Check.That(node.Pages[0] == first && node.Parent is not null);
            Check.That(node.Parent == _root || _byFirst[node.Parent!.Pages[0]] == node.Parent);
            Check.That(node.Parent!.Locks >= node.Locks || node.Parent == _root);
            Check.That(node.Parent.LastVisit >= node.LastVisit || node.Parent == _root);
            var isLeaf = node.Children == 0 && node.Locks == 0;
            Check.That(_leaves.Contains(node) == isLeaf);
            pages += node.Pages.Length;
            locked += node.Locks > 0 ? node.Pages.Length : 0;
            leaves += isLeaf ? 1 : 0;
            children += node.Children;
        }

        Check.That(pages == Count && locked == LockedCount && leaves == _leaves.Count);
        Check.That(children + _root.Children == _byFirst.Count);
    }

    /// <summary>
    /// Parts a run; the new node is the first half, so that who holds the old one keeps holding its end.
    /// </summary>
    private RadixNode Part(RadixNode node, int length, long visit)
    {
        var head = new RadixNode(++_nodes, node.Pages[..length])
        {
            Parent = node.Parent,
            Children = 1,
            Locks = node.Locks,
            LastVisit = visit,
        };
        _byFirst[head.Pages[0]] = head;
        node.Pages = node.Pages[length..];
        node.Parent = head;
        _byFirst.Add(node.Pages[0], node);
        return head;
    }

    private void Visit(RadixNode node, long visit)
    {
        var wasLeaf = _leaves.Remove(node);
        node.LastVisit = visit;
        if (wasLeaf)
        {
            _leaves.Add(node);
        }
    }

    private void AddIfLeaf(RadixNode node)
    {
        if (node.Children == 0 && node.Locks == 0)
        {
            _leaves.Add(node);
        }
    }
}

/// <summary>A run of pages in a <see cref="RadixTree"/>.</summary>
internal sealed class RadixNode(long id, ulong[] pages)
{
    /// <summary>By last visit; nodes of the same visit in the order in which they were made.</summary>
    public static IComparer<RadixNode> LeastRecentFirst { get; } = Comparer<RadixNode>.Create(static (a, b) =>
        a.LastVisit != b.LastVisit ? a.LastVisit.CompareTo(b.LastVisit) : a.Id.CompareTo(b.Id));

    public long Id => id;

    public ulong[] Pages { get; set; } = pages;

    /// <summary>Null for the root only.</summary>
    public RadixNode? Parent { get; set; }

    public int Children { get; set; }

    /// <summary>Requests that hold it or something below it.</summary>
    public int Locks { get; set; }

    public long LastVisit { get; set; }
}
