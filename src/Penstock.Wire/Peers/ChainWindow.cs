namespace Penstock.Wire.Peers;

/// <summary>
/// What both ends of a stream remember of the chains that went through it, so that a chain is told as "the first
/// <c>depth</c> blocks of an earlier one, and these after them". Both ends add the same segments in the same order, so
/// they agree on what is still there without speaking of it.
/// </summary>
/// <remarks>
/// Not thread-safe. Holds the last <see cref="WindowBlocks"/> blocks and <see cref="WindowSegments"/> segments in
/// memory taken once, 2.5 MiB; what comes after overwrites the oldest. A chain whose beginning was overwritten
/// is gone as a whole.
/// </remarks>
public sealed class ChainWindow
{
    public const int WindowBlocks = 262_144;

    public const int WindowSegments = 16_384;

    /// <summary>Segments of one chain at most; a longer story is told anew.</summary>
    public const int SegmentsOfChainMax = 64;

    private readonly ulong[] _blocks = new ulong[WindowBlocks];
    private readonly Segment[] _segments = new Segment[WindowSegments];
    private long _head;

    /// <summary>The number that the next segment gets; they count from 0.</summary>
    public long Next { get; private set; }

    /// <summary>True where the first <paramref name="depth"/> blocks of the chain that a segment ends are all here,
    /// the last of them in this segment.</summary>
    public bool Has(long segment, int depth)
    {
        if (!IsLive(segment))
        {
            return false;
        }

        ref readonly var last = ref At(segment);
        if (depth <= last.Depth || depth > last.Depth + last.Count)
        {
            return false;
        }

        for (var parent = last.Parent; parent >= 0; parent = At(parent).Parent)
        {
            if (!IsLive(parent))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether another segment can follow this one.</summary>
    public bool CanFollow(long segment) => At(segment).Before + 1 < SegmentsOfChainMax;

    /// <summary>The block at a place of the chain, which must lie in this segment, which must be here.</summary>
    public ulong BlockAt(long segment, int place)
    {
        ref readonly var s = ref At(segment);
        return _blocks[(s.Start + place - s.Depth) % WindowBlocks];
    }

    /// <summary>Copies the first <paramref name="depth"/> blocks, which <see cref="Has"/> found to be here.</summary>
    public void Copy(long segment, int depth, Span<ulong> into)
    {
        while (segment >= 0)
        {
            ref readonly var s = ref At(segment);
            var from = (int)(s.Start % WindowBlocks);
            var count = depth - s.Depth;
            var straight = Math.Min(count, WindowBlocks - from);
            _blocks.AsSpan(from, straight).CopyTo(into[s.Depth..]);
            _blocks.AsSpan(0, count - straight).CopyTo(into[(s.Depth + straight)..]);
            depth = s.Depth;
            segment = s.Parent;
        }
    }

    /// <summary>Adds the blocks that follow the first <paramref name="depth"/> of a chain; returns the segment's
    /// number.</summary>
    /// <param name="parent">The segment that those lie in; -1 where depth is 0.</param>
    /// <param name="depth">Blocks before these.</param>
    /// <param name="blocks">At least one, at most <see cref="PeerFormat.BlocksMax"/>.</param>
    public long Add(long parent, int depth, ReadOnlySpan<ulong> blocks)
    {
        At(Next) = new Segment
        {
            Parent = parent,
            Start = _head,
            Depth = depth,
            Count = blocks.Length,
            Before = parent < 0 ? 0 : At(parent).Before + 1,
        };
        var at = (int)(_head % WindowBlocks);
        var straight = Math.Min(blocks.Length, WindowBlocks - at);
        blocks[..straight].CopyTo(_blocks.AsSpan(at));
        blocks[straight..].CopyTo(_blocks);
        _head += blocks.Length;
        return Next++;
    }

    private bool IsLive(long segment) =>
        segment >= 0 && segment < Next && segment >= Next - WindowSegments
        && At(segment).Start >= _head - WindowBlocks;

    private ref Segment At(long segment) => ref _segments[segment % WindowSegments];

    private struct Segment
    {
        public long Parent;
        public long Start;
        public int Depth;
        public int Count;
        public int Before;
    }
}
