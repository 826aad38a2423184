using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>What a slot holds: the first <paramref name="Blocks"/> blocks of a chain.</summary>
internal readonly record struct SlotContent(ReadOnlyMemory<ulong> Chain, int Blocks)
{
    public ReadOnlyMemory<ulong> Hashes => Chain[..Blocks];

    /// <summary>Blocks that another sequence has as well, from the first on.</summary>
    public int CommonWith(ReadOnlyMemory<ulong> other) => Hashes.Span.CommonPrefixLength(other.Span);
}

/// <summary>
/// llama.cpp's prompt cache in the host's memory (<c>--cache-ram</c>): whole contents of slots, the oldest lost first.
/// A content that is inside another one is kept once. One that is given back to a slot leaves the store. At least one
/// stays, however large it is.
/// </summary>
internal sealed class SlotStore(long blocksMax)
{
    /// <summary>A content of which a prompt would use less than this share is left alone.</summary>
    private const double KeptShareMin = 0.25;

    private readonly List<SlotContent> _contents = [];
    private long _blocks;

    /// <summary>
    /// Saves what a slot holds and returns what it holds afterwards: a saved content that serves the prompt better,
    /// both by the share of the content that is used and of the prompt that is found, or what it held before.
    /// </summary>
    public SlotContent Exchange(SlotContent held, ReadOnlyMemory<ulong> prompt)
    {
        Save(held);
        var common = held.CommonWith(prompt);
        var kept = held.Blocks == 0 ? -1.0 : common / (double)held.Blocks;
        var best = -1;
        for (var i = 0; i < _contents.Count; i++)
        {
            var candidate = _contents[i].CommonWith(prompt);
            var share = candidate / (double)_contents[i].Blocks;
            if (share >= KeptShareMin && share > kept && candidate > common)
            {
                (kept, common, best) = (share, candidate, i);
            }
        }

        if (best >= 0)
        {
            held = _contents[best];
            RemoveAt(best);
        }

        while (_contents.Count > 1 && _blocks > blocksMax)
        {
            RemoveAt(0);
        }

        return held;
    }

    public void Clear()
    {
        _contents.Clear();
        _blocks = 0;
    }

    public void Verify()
    {
        Check.That(_blocks == _contents.Sum(static content => (long)content.Blocks));
        Check.That(_blocks <= blocksMax || _contents.Count <= 1);
    }

    private void Save(SlotContent held)
    {
        if (held.Blocks == 0 || _contents.Exists(other => other.CommonWith(held.Hashes) == held.Blocks))
        {
            return;
        }

        for (var i = _contents.Count - 1; i >= 0; i--)
        {
            if (_contents[i].CommonWith(held.Hashes) == _contents[i].Blocks)
            {
                RemoveAt(i);
            }
        }

        _contents.Add(held);
        _blocks += held.Blocks;
    }

    private void RemoveAt(int at)
    {
        _blocks -= _contents[at].Blocks;
        _contents.RemoveAt(at);
    }
}
