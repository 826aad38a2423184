using System.Buffers;

namespace Penstock.Wire.Peers;

/// <summary>
/// Reads the frames of one stream, whoever wrote them. Takes bytes cut at any place; trusts nothing; holds a bounded
/// amount of memory whatever comes.
/// </summary>
/// <remarks>Not thread-safe. Allocates when a replica is named, and nothing for any other frame.</remarks>
public sealed class PeerDecoder
{
    private readonly ChainReader _chains = new();
    private readonly List<PeerReplica> _replicas = [];
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
            case PeerFrameKind.Answered:
                return Answered(fields, to);
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
        failure = First(
            failure, in fields,
            inFlight > PeerFormat.InFlightMax || prefill > PeerFormat.TokensMax || decode > PeerFormat.TokensMax);
        if (failure == PeerFailure.None)
        {
            to.Load(replica!, (int)inFlight, (long)prefill, (long)decode);
        }

        return failure;
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

    private PeerFailure Prefix(PeerFields fields, IPeerFrames to)
    {
        var failure = OfReplica(ref fields, out var replica);
        if (failure != PeerFailure.None)
        {
            return failure;
        }

        failure = _chains.Read(ref fields, out var chain);
        if (failure == PeerFailure.None)
        {
            to.Prefix(replica!, chain);
        }

        return failure;
    }

    private PeerFailure Answered(PeerFields fields, IPeerFrames to)
    {
        var failure = OfReplica(ref fields, out var replica);
        var (prompt, answer, end, hash) = (fields.Number(), fields.Number(), fields.Number(), fields.Hash());
        failure = First(
            failure, in fields,
            Math.Max(prompt, answer) > PeerFormat.TokensMax || end > PeerFormat.TokensMax || hash == 0);
        if (failure != PeerFailure.None)
        {
            return failure;
        }

        failure = _chains.ReadKnown(ref fields, out var chain);
        if (failure == PeerFailure.None)
        {
            var told = new PeerAnswer(chain.Length, chain[^1], (long)prompt, (long)answer, (long)end, hash);
            to.Answered(replica!, chain, in told);
        }

        return failure;
    }

    private static PeerFailure First(PeerFailure failure, in PeerFields fields, bool isAbsurd) =>
        failure != PeerFailure.None ? failure
        : fields.Bad ? PeerFailure.Malformed
        : isAbsurd ? PeerFailure.Absurd
        : PeerFailure.None;

    private PeerFailure OfReplica(ref PeerFields fields, out PeerReplica? replica)
    {
        var id = fields.Number();
        replica = !fields.Bad && id < (ulong)_replicas.Count ? _replicas[(int)id] : null;
        return fields.Bad ? PeerFailure.Malformed
            : replica is null ? PeerFailure.UnknownReplica
            : PeerFailure.None;
    }
}
