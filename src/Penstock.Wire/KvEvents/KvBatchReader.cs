using Penstock.Core.KvSync;
using Penstock.Wire.MessagePack;

namespace Penstock.Wire.KvEvents;

/// <summary>
/// Reads one batch of cache events in any dialect: vLLM's and SGLang's, events as arrays or as maps, batches as arrays
/// or as maps, hashes as numbers or bytes, fields missing or added. A batch is checked to be well-formed before the
/// first event is handed out. Events of unknown types and events that make no sense are stepped over and counted. A
/// long event comes in parts: each part of a stored one has the last block before it as its parent. That all is cleared
/// is handed out once where it is said several times in a row.
/// <para>Allocates nothing. Spans of an event are valid until the next call.</para>
/// </summary>
public ref struct KvBatchReader
{
    private readonly KvEventBuffers _buffers;
    private readonly int _blocksMax;
    private MessagePackReader _reader;
    private EventLayout _layout;
    private int _blocksLeft;
    private int _eventsLeft;
    private int _charged;
    private bool _isCleared;

    private KvBatchReader(KvEventBuffers buffers, KvEventLimits limits, MessagePackReader events, int count)
    {
        _buffers = buffers;
        _blocksMax = limits.BlocksMax;
        _reader = events;
        _eventsLeft = count;
        Events = count;
    }

    /// <summary>The engine's time of the batch, in seconds since 1970.</summary>
    public double Timestamp { get; private set; }

    /// <summary>The data-parallel rank; −1: not said.</summary>
    public int Rank { get; private set; }

    /// <summary>Events in the batch, those that will be stepped over included.</summary>
    public int Events { get; }

    /// <summary>Blocks handed out so far.</summary>
    public int Blocks { get; private set; }

    /// <summary>Events of a type not known here, so far.</summary>
    public int Unknown { get; private set; }

    /// <summary>Events whose fields make no sense, so far.</summary>
    public int Broken { get; private set; }

    /// <summary>True where the batch has more blocks than allowed: the rest was not read.</summary>
    public bool IsTruncated { get; private set; }

    /// <summary>Checks a batch and makes it ready to be read.</summary>
    public static KvBatchStatus Open(
        ReadOnlySpan<byte> payload, KvEventBuffers buffers, KvEventLimits limits, out KvBatchReader batch)
    {
        batch = default;
        var whole = new BatchLayout();
        var status = whole.Read(payload);
        if (status != KvBatchStatus.Ok)
        {
            return status;
        }

        if (whole.EventCount > limits.EventsMax)
        {
            return KvBatchStatus.TooManyEvents;
        }

        batch = new KvBatchReader(buffers, limits, whole.Events, whole.EventCount)
        {
            Timestamp = whole.Timestamp,
            Rank = whole.Rank,
        };
        return KvBatchStatus.Ok;
    }

    /// <summary>The next event, or the next part of one.</summary>
    public bool TryNext(out KvEvent e)
    {
        while (true)
        {
            if (_blocksLeft > 0)
            {
                if (TryPart())
                {
                    e = _layout.Event;
                    return true;
                }

                Broken += IsTruncated ? 0 : 1;
                _blocksLeft = 0;
            }

            e = default;
            if (IsTruncated || _eventsLeft == 0)
            {
                return false;
            }

            _eventsLeft--;
            _layout = new EventLayout();
            _layout.Read(ref _reader);
            Unknown += _layout.IsKnown || _layout.IsBroken ? 0 : 1;
            Broken += _layout.IsBroken ? 1 : 0;
            if (!_layout.IsKnown || _layout.IsBroken)
            {
                continue;
            }

            if (_layout.Event.Kind == KvEventKind.Cleared)
            {
                if (_isCleared)
                {
                    continue;
                }

                if (!TryCharge(KvEventLimits.BlocksPerClear))
                {
                    return false;
                }

                _isCleared = true;
                e = _layout.Event;
                return true;
            }

            _blocksLeft = _layout.HashCount;
            LayTokens();
        }
    }

    // Token ids are of use only where it is certain which block each belongs to. One block may be shorter than a full
    // one (SGLang's last page); of a recurrent state's blocks only some are named, so theirs cannot be laid out.
    private void LayTokens()
    {
        ref var e = ref _layout.Event;
        if (_layout.HashCount == 1 && _layout.TokenCount > 0 && _layout.TokenCount < e.BlockTokens)
        {
            e.BlockTokens = _layout.TokenCount;
        }

        if (_layout.TokenCount != (long)_layout.HashCount * e.BlockTokens || e.BlockTokens > KvEventBuffers.TokensMax
            || _layout.Tokens.Next != MessagePackType.Integer)
        {
            _layout.TokenCount = 0;
        }
    }

    private bool TryPart()
    {
        ref var e = ref _layout.Event;
        var blocks = Math.Min(_blocksLeft, KvEventBuffers.Blocks);
        if (_layout.TokenCount > 0)
        {
            blocks = Math.Min(blocks, KvEventBuffers.TokensMax / e.BlockTokens);
        }

        if (!TryCharge(blocks))
        {
            _blocksLeft = 0;
            return false;
        }

        if (!e.Hashes.IsEmpty)
        {
            e.HasParent = e.Kind == KvEventKind.Stored;
            e.Parent = e.Hashes[^1];
        }

        var hashes = _buffers.Hashes.AsSpan(0, blocks);
        for (var i = 0; i < blocks; i++)
        {
            if (!BlockHash.TryRead(ref _layout.Hashes, out hashes[i]))
            {
                return false;
            }
        }

        e.Hashes = hashes;
        ReadTokens(blocks);
        ReadExtras(blocks);
        Blocks += blocks;
        _blocksLeft -= blocks;
        _isCleared = false;
        return true;
    }

    private bool TryCharge(int blocks)
    {
        IsTruncated = _charged + blocks > _blocksMax;
        _charged += IsTruncated ? 0 : blocks;
        return !IsTruncated;
    }

    private void ReadTokens(int blocks)
    {
        ref var e = ref _layout.Event;
        e.Tokens = default;
        if (_layout.TokenCount > 0)
        {
            var tokens = _buffers.Tokens.AsSpan(0, blocks * e.BlockTokens);
            if (_layout.Tokens.TryReadRun(tokens))
            {
                e.Tokens = tokens;
            }
            else
            {
                _layout.TokenCount = 0;
            }
        }
    }

    private void ReadExtras(int blocks)
    {
        ref var e = ref _layout.Event;
        e.Extras = default;
        if (_layout.ExtraCount < _layout.HashCount)
        {
            return;
        }

        var extras = _buffers.Extras.AsSpan(0, blocks);
        var isAny = false;
        for (var i = 0; i < blocks; i++)
        {
            extras[i] = ExtraKeys.Read(ref _layout.Extras, ref e, isFirst: i == 0 && !e.HasParent);
            isAny |= extras[i] != 0;
        }

        e.Extras = isAny ? extras : default;
    }
}
