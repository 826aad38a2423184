using System.Buffers;
using Penstock.Core.Outcomes;

namespace Penstock.Wire.Sse;

/// <summary>
/// Reads server-sent events from chunks that may be cut anywhere, inside a line end or a character included. Format:
/// WHATWG HTML, "Server-sent events", event stream interpretation. Lines end in LF, CRLF or CR; comments and unknown
/// fields are skipped; an event without data, or one that the end of the stream cuts off, is not an event.
/// <para>Call <see cref="Feed"/> with a chunk, then <see cref="TryRead"/> until it is false. Nothing is allocated per
/// event. Memory is at most the largest event allowed plus one chunk. Not thread-safe.</para>
/// </summary>
public sealed class SseReader : IDisposable
{
    /// <summary>Bytes of one event at most, unless said otherwise.</summary>
    public const int DefaultEventBytesMax = 16 * 1024 * 1024;

    /// <summary>Bytes of an event's name at most; known names are shorter than 64.</summary>
    public const int NameBytesMax = 256;

    private const int SmallBuffer = 4096;
    private const int KeptBuffer = 64 * 1024;
    private const byte CarriageReturn = (byte)'\r';
    private const byte LineFeed = (byte)'\n';

    private readonly int _eventBytesMax;
    private readonly byte[] _name = new byte[NameBytesMax];
    private byte[] _buffer = [];
    private int _start;        // first byte of the event under construction
    private int _line;         // first byte of the line under construction
    private int _searched;     // bytes before this hold no line end of that line
    private int _end;          // end of the bytes received
    private int _dataStart;
    private int _dataEnd;
    private int _nameLength;
    private bool _hasData;
    private bool _skipLineFeed;
    private bool _pastMark;

    /// <param name="eventBytesMax">Bytes of one event at most.</param>
    public SseReader(int eventBytesMax = DefaultEventBytesMax) => _eventBytesMax = eventBytesMax;

    /// <summary>Why reading stopped for good; null while all is well.</summary>
    public Failure? Failure { get; private set; }

    /// <summary>True where bytes of an unfinished event are held: a stream that ends now was cut.</summary>
    public bool HasPartial => _hasData || _nameLength > 0 || _line < _end;

    /// <summary>Takes the next bytes of the stream. Read all events out before feeding again.</summary>
    /// <returns>The failure that ends this reader, or null.</returns>
    public Failure? Feed(ReadOnlySpan<byte> chunk)
    {
        if (Failure is not null)
        {
            return Failure;
        }

        if (_end - _start > _eventBytesMax)
        {
            return Fail($"the engine sent a stream event larger than {_eventBytesMax} bytes");
        }

        MakeRoom(chunk.Length);
        chunk.CopyTo(_buffer.AsSpan(_end));
        _end += chunk.Length;
        return null;
    }

    /// <summary>Takes the next whole event out of the bytes received.</summary>
    /// <returns>False where more bytes are needed, or where <see cref="Failure"/> says why there are none.</returns>
    public bool TryRead(out SseEvent e)
    {
        e = default;
        if (Failure is not null || !SkipByteOrderMark())
        {
            return false;
        }

        while (TakeLine(out var from, out var to))
        {
            if (from < to)
            {
                if (!TakeField(from, to))
                {
                    return false;
                }
            }
            else if (_hasData)
            {
                e = new SseEvent(_name.AsSpan(0, _nameLength), _buffer.AsSpan(_dataStart, _dataEnd - _dataStart));
                StartEvent();
                return true;
            }
            else
            {
                StartEvent();
            }
        }

        return false;
    }

    /// <summary>Gives the buffer back. The reader is not to be used afterwards.</summary>
    public void Dispose()
    {
        Failure ??= new Failure(FailureKind.Internal, "the event reader is closed");
        Release();
    }

    private bool TakeLine(out int from, out int to)
    {
        if (_skipLineFeed && _line < _end)
        {
            _skipLineFeed = false;
            if (_buffer[_line] == LineFeed)
            {
                _searched = ++_line;
                if (!_hasData && _nameLength == 0)
                {
                    _start = _line;
                }
            }
        }

        from = _line;
        to = _line;
        var searched = Math.Max(_searched, _line);
        var length = _buffer.AsSpan(searched, _end - searched).IndexOfAny(LineFeed, CarriageReturn);
        if (length < 0)
        {
            _searched = _end;
            return false;
        }

        to = searched + length;
        _skipLineFeed = _buffer[to] == CarriageReturn;
        _line = to + 1;
        _searched = _line;
        return true;
    }

    private bool TakeField(int from, int to)
    {
        var line = _buffer.AsSpan(from, to - from);
        var colon = line.IndexOf((byte)':');
        var field = colon < 0 ? line : line[..colon];
        var valueFrom = colon < 0 ? to : from + colon + 1;
        if (valueFrom < to && _buffer[valueFrom] == (byte)' ')
        {
            valueFrom++;
        }

        if (field.SequenceEqual("data"u8))
        {
            AppendData(valueFrom, to);
        }
        else if (field.SequenceEqual("event"u8))
        {
            return TakeName(_buffer.AsSpan(valueFrom, to - valueFrom));
        }
        else if (!_hasData && _nameLength == 0)
        {
            // A comment or an unknown field between events must not count as the start of the next one.
            _start = _line;
        }

        return true;
    }

    // Data lines are moved together in place: what is written is never longer than what was read.
    private void AppendData(int from, int to)
    {
        if (!_hasData)
        {
            _hasData = true;
            _dataStart = from;
            _dataEnd = to;
            return;
        }

        _buffer[_dataEnd++] = LineFeed;
        _buffer.AsSpan(from, to - from).CopyTo(_buffer.AsSpan(_dataEnd));
        _dataEnd += to - from;
    }

    private bool TakeName(ReadOnlySpan<byte> name)
    {
        if (name.Length > NameBytesMax)
        {
            Fail($"the engine sent a stream event whose name is longer than {NameBytesMax} bytes");
            return false;
        }

        // Copied, for data lines that follow may be moved over the place where it stood.
        name.CopyTo(_name);
        _nameLength = name.Length;
        return true;
    }

    private void StartEvent()
    {
        _start = _line;
        _hasData = false;
        _nameLength = 0;
    }

    private bool SkipByteOrderMark()
    {
        if (_pastMark)
        {
            return true;
        }

        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        var seen = _buffer.AsSpan(0, Math.Min(_end, mark.Length));
        if (!seen.SequenceEqual(mark[..seen.Length]))
        {
            _pastMark = true;
        }
        else if (seen.Length == mark.Length)
        {
            _pastMark = true;
            _start = _line = _searched = mark.Length;
        }

        return _pastMark;
    }

    private void MakeRoom(int bytes)
    {
        if (_start == _end)
        {
            Rewind(_start);
            if (_buffer.Length > KeptBuffer && bytes <= KeptBuffer)
            {
                Release();
            }
        }

        if (_buffer.Length - _end >= bytes)
        {
            return;
        }

        var held = _end - _start;
        if (_buffer.Length >= held + bytes && _start >= _buffer.Length / 2)
        {
            _buffer.AsSpan(_start, held).CopyTo(_buffer);
        }
        else
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(SmallBuffer, Math.Max(held + bytes, held * 2)));
            _buffer.AsSpan(_start, held).CopyTo(larger);
            Release();
            _buffer = larger;
        }

        Rewind(_start);
    }

    private void Rewind(int by)
    {
        _start -= by;
        _line -= by;
        _searched -= by;
        _end -= by;
        _dataStart -= by;
        _dataEnd -= by;
    }

    private void Release()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    private Failure Fail(string message) => Failure = new Failure(FailureKind.EngineFailed, message);
}
