using System.Runtime.InteropServices;

namespace Penstock.Wire.Peers;

/// <summary>The chains that one stream told, read back whole from what it says is new in each.</summary>
/// <remarks>Not thread-safe; takes its memory once.</remarks>
internal sealed class ChainReader
{
    private readonly ChainWindow _window = new();
    private readonly ulong[] _chain = new ulong[PeerFormat.BlocksMax];

    /// <summary>A chain of known blocks and of those after them, all the rest of <paramref name="fields"/>.</summary>
    public PeerFailure Read(ref PeerFields fields, out ReadOnlySpan<ulong> chain)
    {
        chain = default;
        var failure = Known(ref fields, out var segment, out var depth);
        var rest = fields.Rest;
        if (failure != PeerFailure.None || fields.Bad || rest.Length % sizeof(ulong) != 0)
        {
            return failure != PeerFailure.None ? failure : PeerFailure.Malformed;
        }

        var added = rest.Length / sizeof(ulong);
        if (depth + added is 0 or > PeerFormat.BlocksMax)
        {
            return PeerFailure.Absurd;
        }

        if (added > 0)
        {
            if (depth > 0 && !_window.CanFollow(segment))
            {
                return PeerFailure.UnknownBlocks;
            }

            rest.CopyTo(MemoryMarshal.AsBytes(_chain.AsSpan(depth, added)));
            _window.Add(segment, depth, _chain.AsSpan(depth, added));
        }

        chain = _chain.AsSpan(0, depth + added);
        return PeerFailure.None;
    }

    /// <summary>A chain of known blocks alone.</summary>
    public PeerFailure ReadKnown(ref PeerFields fields, out ReadOnlySpan<ulong> chain)
    {
        var failure = Known(ref fields, out _, out var depth);
        chain = _chain.AsSpan(0, depth);
        return failure != PeerFailure.None || depth > 0 ? failure : PeerFailure.Absurd;
    }

    /// <summary>The first blocks: where the stream told them before, and the last of them to be sure.</summary>
    private PeerFailure Known(ref PeerFields fields, out long segment, out int depth)
    {
        (segment, depth) = (-1, 0);
        var count = fields.Number();
        var (back, anchor) = count > 0 ? (fields.Number(), fields.Hash()) : (0UL, 0UL);
        if (fields.Bad || count > PeerFormat.BlocksMax)
        {
            return fields.Bad ? PeerFailure.Malformed : PeerFailure.Absurd;
        }

        if (count > 0)
        {
            segment = back <= ChainWindow.WindowSegments ? _window.Next - (long)back : -1;
            if (!_window.Has(segment, (int)count) || _window.BlockAt(segment, (int)count - 1) != anchor)
            {
                return PeerFailure.UnknownBlocks;
            }

            depth = (int)count;
            _window.Copy(segment, depth, _chain);
        }

        return PeerFailure.None;
    }
}
