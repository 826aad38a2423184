namespace Penstock.Wire.Peers;

/// <summary>
/// The sender's way to find how much of a chain a <see cref="ChainWindow"/> already has. Approximate on purpose: a
/// block it does not find is told once more.
/// </summary>
/// <remarks>Not thread-safe; 2 MiB, taken once.</remarks>
public sealed class ChainFinder(ChainWindow window)
{
    private const int Places = 524_288;

    // The place of a block may have been taken by another; its neighbours' were not all.
    private const int Tries = 4;

    // The low half of the number of the segment that a block was last added in, plus one; 0: none.
    private readonly uint[] _segmentOf = new uint[Places];

    /// <summary>The longest beginning of <paramref name="chain"/> that is found, by halving: what holds a block holds
    /// all before it. Depth 0: none.</summary>
    public (long Segment, int Depth) Find(ReadOnlySpan<ulong> chain)
    {
        var found = (Segment: -1L, Depth: 0);
        var high = chain.Length;
        while (found.Depth < high)
        {
            var middle = found.Depth + ((high - found.Depth + 1) / 2);
            var before = found.Depth;
            for (var at = middle; at > before && at > middle - Tries && found.Depth == before; at--)
            {
                if (SegmentOf(chain[at - 1], at) is >= 0 and var segment)
                {
                    found = (segment, at);
                }
            }

            high = found.Depth == before ? middle - 1 : high;
        }

        return found;
    }

    /// <summary>The segment in which a chain of so many blocks ends with this one; −1 where it is not found.</summary>
    public long Find(ulong last, int depth) => SegmentOf(last, depth);

    /// <summary>Notes where blocks were added.</summary>
    public void Note(long segment, ReadOnlySpan<ulong> blocks)
    {
        foreach (var block in blocks)
        {
            _segmentOf[block % Places] = (uint)(segment + 1);
        }
    }

    private long SegmentOf(ulong block, int depth)
    {
        var noted = _segmentOf[block % Places];
        var back = (uint)(window.Next + 1) - noted;
        if (noted == 0 || back is 0 or > ChainWindow.WindowSegments)
        {
            return -1;
        }

        var segment = window.Next - back;
        return window.Has(segment, depth) && window.BlockAt(segment, depth - 1) == block && window.CanFollow(segment)
            ? segment
            : -1;
    }
}
