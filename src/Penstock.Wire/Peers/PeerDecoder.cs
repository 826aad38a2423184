using System.Buffers;
using System.Runtime.InteropServices;

namespace Penstock.Wire.Peers;

/// <summary>A replica as a stream names it.</summary>
public sealed record PeerReplica(int Id, string Pool, string Name);

/// <summary>Who takes what a peer says, frame by frame, in order.</summary>
public interface IPeerFrames
{
    void Hello(long epoch, string node);

    /// <param name="nanoseconds">The sender's monotonic clock; never less than before.</param>
    void Heartbeat(long nanoseconds);

    void Load(PeerReplica replica, int inFlight, long prefillTokens, long decodeTokens);

    /// <param name="replica">Where the prompt was routed.</param>
    /// <param name="blocks">Its whole chain; valid during the call.</param>
    /// <param name="tokens">Tokens of the prompt.</param>
    void Prefix(PeerReplica replica, ReadOnlySpan<ulong> blocks, long tokens);

    void CacheLost(PeerReplica replica);

    void Health(PeerReplica replica, bool ejected);

    void Goodbye();
}

/// <summary>
/// Reads the frames of one stream, whoever wrote them. Takes bytes cut at any place; trusts nothing; holds a bounded
/// amount of memory whatever comes.
/// </summary>
/// <remarks>Not thread-safe. Allocates when a replica is named, and nothing for any other frame.</remarks>
public sealed class PeerDecoder
{
    private readonly ChainWindow _window = new();
    private readonly List<PeerReplica> _replicas = [];
    private readonly ulong[] _chain = new ulong[PeerFormat.BlocksMax];
    private byte[] _gathered = [];
    private bool _greeted;
    private ulong _clock;

    /// <summary>Frames read so far, skipped ones included.</summary>
    public long Frames { get; private set; }

    /// <summary>Frames of a kind that is not known here.</summary>
    public long Skipped { get; private set; }

    /// <summary>
    /// Reads all whole frames at the start of <paramref name="buffer"/> and takes them off it. After a failure the
    /// stream cannot be read on.
    /// </summary>
    public PeerFailure Read(ref ReadOnlySequence<byte> buffer, IPeerFrames to)
    {
        Span<byte> header = stackalloc byte[PeerFormat.HeaderBytes];
        while (buffer.Length >= PeerFormat.HeaderBytes)
        {
            buffer.Slice(0, PeerFormat.HeaderBytes).CopyTo(header);
            var length = header[1] | (header[2] << 8) | (header[3] << 16);
            if (length > PeerFormat.FrameBytesMax)
            {
                return PeerFailure.TooLong;
            }

            if (buffer.Length < PeerFormat.HeaderBytes + length)
            {
                break;
            }

            var failure = Frame((PeerFrameKind)header[0], Whole(buffer.Slice(PeerFormat.HeaderBytes, length)), to);
            if (failure != PeerFailure.None)
            {
                return failure;
            }

            Frames++;
            buffer = buffer.Slice(PeerFormat.HeaderBytes + length);
        }

        return PeerFailure.None;
    }

    private ReadOnlySpan<byte> Whole(ReadOnlySequence<byte> payload)
    {
        if (payload.IsSingleSegment)
        {
            return payload.FirstSpan;
        }

        if (_gathered.Length == 0)
        {
            _gathered = new byte[PeerFormat.FrameBytesMax];
        }

        payload.CopyTo(_gathered);
        return _gathered.AsSpan(0, (int)payload.Length);
    }

    private PeerFailure Frame(PeerFrameKind kind, ReadOnlySpan<byte> payload, IPeerFrames to)
    {
        var fields = new PeerFields(payload);
        if (_greeted == (kind == PeerFrameKind.Hello))
        {
            return PeerFailure.OutOfOrder;
        }

        switch (kind)
        {
            case PeerFrameKind.Hello:
                return Hello(fields, to);
            case PeerFrameKind.Heartbeat:
                return Heartbeat(fields, to);
            case PeerFrameKind.Replica:
                return Name(fields);
            case PeerFrameKind.Load:
                return Load(fields, to);
            case PeerFrameKind.Prefix:
                return Prefix(fields, to);
            case PeerFrameKind.CacheLost:
                return CacheLost(fields, to);
            case PeerFrameKind.Health:
                return Health(fields, to);
            case PeerFrameKind.Goodbye:
                to.Goodbye();
                return PeerFailure.None;
            default:
                Skipped++;
                return PeerFailure.None;
        }
    }

    private PeerFailure Hello(PeerFields fields, IPeerFrames to)
    {
        var version = fields.Number();
        if (!fields.Bad && version != PeerFormat.Version)
        {
            return PeerFailure.OtherVersion;
        }

        var epoch = fields.Number();
        var node = fields.Name();
        if (fields.Bad)
        {
            return PeerFailure.Malformed;
        }

        if (epoch > long.MaxValue)
        {
            return PeerFailure.Absurd;
        }

        _greeted = true;
        to.Hello((long)epoch, node);
        return PeerFailure.None;
    }

    private PeerFailure Heartbeat(PeerFields fields, IPeerFrames to)
    {
        var clock = fields.Number();
        if (fields.Bad)
        {
            return PeerFailure.Malformed;
        }

        if (clock > long.MaxValue)
        {
            return PeerFailure.Absurd;
        }

        if (clock < _clock)
        {
            return PeerFailure.OutOfOrder;
        }

        _clock = clock;
        to.Heartbeat((long)clock);
        return PeerFailure.None;
    }

    private PeerFailure Name(PeerFields fields)
    {
        var id = fields.Number();
        var pool = fields.Name();
        var name = fields.Name();
        if (fields.Bad)
        {
            return PeerFailure.Malformed;
        }

        if (id != (ulong)_replicas.Count || id >= PeerFormat.ReplicasMax)
        {
            return PeerFailure.UnknownReplica;
        }

        // One text for each pool, not one for each of its replicas.
        var same = _replicas.Count > 0 && _replicas[^1].Pool == pool ? _replicas[^1].Pool : pool;
        _replicas.Add(new PeerReplica((int)id, same, name));
        return PeerFailure.None;
    }

    private PeerFailure Load(PeerFields fields, IPeerFrames to)
    {
        var failure = OfReplica(ref fields, out var replica);
        var inFlight = fields.Number();
        var prefill = fields.Number();
        var decode = fields.Number();
        if (failure != PeerFailure.None || fields.Bad)
        {
            return failure != PeerFailure.None ? failure : PeerFailure.Malformed;
        }

        if (inFlight > PeerFormat.InFlightMax || prefill > PeerFormat.TokensMax || decode > PeerFormat.TokensMax)
        {
            return PeerFailure.Absurd;
        }

        to.Load(replica!, (int)inFlight, (long)prefill, (long)decode);
        return PeerFailure.None;
    }

    private PeerFailure CacheLost(PeerFields fields, IPeerFrames to)
    {
        var failure = OfReplica(ref fields, out var replica);
        if (failure == PeerFailure.None)
        {
            to.CacheLost(replica!);
        }

        return failure;
    }

    private PeerFailure Health(PeerFields fields, IPeerFrames to)
    {
        var failure = OfReplica(ref fields, out var replica);
        var state = fields.Number();
        if (failure != PeerFailure.None || fields.Bad)
        {
            return failure != PeerFailure.None ? failure : PeerFailure.Malformed;
        }

        to.Health(replica!, state != 0);
        return PeerFailure.None;
    }

    private PeerFailure Prefix(PeerFields fields, IPeerFrames to)
    {
        var failure = OfReplica(ref fields, out var replica);
        var tokens = fields.Number();
        var depth = fields.Number();
        var (back, anchor) = depth > 0 ? (fields.Number(), fields.Hash()) : (0UL, 0UL);
        var rest = fields.Rest;
        if (failure != PeerFailure.None || fields.Bad || rest.Length % sizeof(ulong) != 0)
        {
            return failure != PeerFailure.None ? failure : PeerFailure.Malformed;
        }

        var added = rest.Length / sizeof(ulong);
        if (tokens > PeerFormat.TokensMax || depth > PeerFormat.BlocksMax
            || (int)depth + added is 0 or > PeerFormat.BlocksMax)
        {
            return PeerFailure.Absurd;
        }

        var segment = depth > 0 && back <= ChainWindow.WindowSegments ? _window.Next - (long)back : -1;
        if (depth > 0)
        {
            if (!_window.Has(segment, (int)depth) || _window.BlockAt(segment, (int)depth - 1) != anchor
                || (added > 0 && !_window.CanFollow(segment)))
            {
                return PeerFailure.UnknownBlocks;
            }

            _window.Copy(segment, (int)depth, _chain);
        }

        rest.CopyTo(MemoryMarshal.AsBytes(_chain.AsSpan((int)depth, added)));
        if (added > 0)
        {
            _window.Add(segment, (int)depth, _chain.AsSpan((int)depth, added));
        }

        to.Prefix(replica!, _chain.AsSpan(0, (int)depth + added), (long)tokens);
        return PeerFailure.None;
    }

    private PeerFailure OfReplica(ref PeerFields fields, out PeerReplica? replica)
    {
        var id = fields.Number();
        replica = !fields.Bad && id < (ulong)_replicas.Count ? _replicas[(int)id] : null;
        return fields.Bad ? PeerFailure.Malformed
            : replica is null ? PeerFailure.UnknownReplica
            : PeerFailure.None;
    }
}
