using System.Buffers;

namespace Penstock.Wire.Scan;

/// <summary>What <see cref="JsonScanner.Next"/> found.</summary>
public enum JsonToken : byte
{
    /// <summary>The document goes on, but not in the bytes so far.</summary>
    NeedMore,
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Key,
    Comma,
    String,
    Number,
    True,
    False,
    Null,

    /// <summary>The document is complete and only white space follows.</summary>
    End,

    /// <summary>The bytes are not JSON; see <see cref="JsonScanner.Error"/>.</summary>
    Error,
}

/// <summary>
/// A strict, resumable tokenizer for one JSON document (RFC 8259) in a buffer that grows: it validates while it goes,
/// never looks at a byte of a string twice, and copies nothing. It hands out positions; strings keep their escapes.
/// </summary>
/// <remarks>Does not check that strings are valid UTF-8: one vectorised pass over the whole body does that better.</remarks>
public struct JsonScanner
{
    /// <summary>Levels of nesting that fit; a lower limit is the caller's to set.</summary>
    public const int DepthLimit = 1024;

    private const int ScalarBytesMax = 1024;

    private static readonly SearchValues<byte> StringStops = SearchValues.Create(StopBytes());

    private readonly ulong[] _isObject;
    private readonly int _depthMax;
    private int _stringAt;
    private int _skipping;
    private State _state;

    public JsonScanner(int depthMax)
    {
        _depthMax = Math.Min(depthMax, DepthLimit);
        _isObject = new ulong[DepthLimit / 64];
        _stringAt = -1;
    }

    private enum State : byte
    {
        Value,
        ValueOrEnd,
        KeyOrEnd,
        Key,
        Colon,
        CommaOrEnd,
        Done,
    }

    /// <summary>Where the last token begins.</summary>
    public int Start { get; private set; }

    /// <summary>Where the last token ends, exclusive; scanning goes on here.</summary>
    public int End { get; private set; }

    /// <summary>Containers that are open after the last token.</summary>
    public int Depth { get; private set; }

    /// <summary>White space skipped before the last token, in bytes.</summary>
    public int Skipped { get; private set; }

    /// <summary>The last string or key contains a backslash.</summary>
    public bool Escaped { get; private set; }

    /// <summary>What is wrong, after <see cref="JsonToken.Error"/>.</summary>
    public string? Error { get; private set; }

    /// <summary>Makes the scanner ready for another document.</summary>
    public void Reset()
    {
        Start = End = Depth = Skipped = _skipping = 0;
        _stringAt = -1;
        _state = State.Value;
        Escaped = false;
        Error = null;
    }

    /// <summary>The next token of <paramref name="buffer"/>, all of the document so far.</summary>
    public JsonToken Next(ReadOnlySpan<byte> buffer, bool isFinal)
    {
        if (_stringAt >= 0)
        {
            return ContinueString(buffer, isFinal);
        }

        var from = End;
        var at = from;
        while (true)
        {
            while ((uint)at < (uint)buffer.Length && buffer[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
            {
                at++;
            }

            if (at >= buffer.Length)
            {
                _skipping += at - from;
                End = at;
                return !isFinal ? JsonToken.NeedMore
                    : _state == State.Done ? JsonToken.End
                    : Fail(at, "the document ends too early");
            }

            if (_state != State.Colon)
            {
                break;
            }

            if (buffer[at] != (byte)':')
            {
                return Fail(at, "a ':' was expected");
            }

            // The colon is no token of its own; white space before it is not worth a word.
            _state = State.Value;
            _skipping = 0;
            from = ++at;
        }

        Skipped = _skipping + at - from;
        _skipping = 0;
        Start = at;
        return Dispatch(buffer, at, isFinal);
    }

    private JsonToken Dispatch(ReadOnlySpan<byte> buffer, int at, bool isFinal)
    {
        var b = buffer[at];
        switch (_state)
        {
            case State.CommaOrEnd:
                return b == (byte)',' ? Comma(at) : Close(b, at);
            case State.KeyOrEnd when b == (byte)'}':
                return Close(b, at);
            case State.KeyOrEnd or State.Key:
                return b == (byte)'"' ? BeginString(buffer, at, isFinal) : Fail(at, "a member name was expected");
            case State.ValueOrEnd when b == (byte)']':
                return Close(b, at);
            case State.Done:
                return Fail(at, "something follows the end of the document");
        }

        return b switch
        {
            (byte)'"' => BeginString(buffer, at, isFinal),
            (byte)'{' => Open(at, isObject: true),
            (byte)'[' => Open(at, isObject: false),
            _ => Scalar(buffer, at, isFinal),
        };
    }

    private JsonToken Comma(int at)
    {
        End = at + 1;
        _state = InObject ? State.Key : State.Value;
        return JsonToken.Comma;
    }

    private JsonToken Open(int at, bool isObject)
    {
        if (Depth == _depthMax)
        {
            return Fail(at, $"nested deeper than {_depthMax} levels");
        }

        var bit = 1UL << (Depth & 63);
        ref var word = ref _isObject[Depth >> 6];
        word = isObject ? word | bit : word & ~bit;
        Depth++;
        End = at + 1;
        _state = isObject ? State.KeyOrEnd : State.ValueOrEnd;
        return isObject ? JsonToken.ObjectStart : JsonToken.ArrayStart;
    }

    private JsonToken Close(byte b, int at)
    {
        var isObject = InObject;
        if (b != (isObject ? (byte)'}' : (byte)']'))
        {
            return Fail(at, isObject ? "a ',' or '}' was expected" : "a ',' or ']' was expected");
        }

        Depth--;
        End = at + 1;
        AfterValue();
        return isObject ? JsonToken.ObjectEnd : JsonToken.ArrayEnd;
    }

    private JsonToken BeginString(ReadOnlySpan<byte> buffer, int at, bool isFinal)
    {
        Escaped = false;
        _stringAt = at + 1;
        return ContinueString(buffer, isFinal);
    }

    private JsonToken ContinueString(ReadOnlySpan<byte> buffer, bool isFinal)
    {
        var at = _stringAt;
        while (true)
        {
            var stop = buffer[at..].IndexOfAny(StringStops);
            if (stop < 0)
            {
                _stringAt = buffer.Length;
                return isFinal ? Fail(buffer.Length, "a string does not end") : JsonToken.NeedMore;
            }

            at += stop;
            if (buffer[at] == (byte)'"')
            {
                End = at + 1;
                _stringAt = -1;
                return EndString();
            }

            if (buffer[at] != (byte)'\\')
            {
                return Fail(at, "a control character in a string");
            }

            Escaped = true;
            var length = EscapeLength(buffer[at..]);
            if (length == 0)
            {
                _stringAt = at;
                return isFinal ? Fail(at, "a string does not end") : JsonToken.NeedMore;
            }

            if (length < 0)
            {
                return Fail(at, "an escape that JSON does not know");
            }

            at += length;
        }
    }

    private JsonToken EndString()
    {
        if (_state is State.Key or State.KeyOrEnd)
        {
            _state = State.Colon;
            return JsonToken.Key;
        }

        AfterValue();
        return JsonToken.String;
    }

    private JsonToken Scalar(ReadOnlySpan<byte> buffer, int at, bool isFinal)
    {
        var end = at;
        while (end < buffer.Length && buffer[end] is not ((byte)',' or (byte)'}' or (byte)']' or (byte)' ' or (byte)'\n'
            or (byte)'\r' or (byte)'\t' or (byte)':' or (byte)'"' or (byte)'{' or (byte)'['))
        {
            end++;
            if (end - at > ScalarBytesMax)
            {
                return Fail(at, "a number that is too long");
            }
        }

        if (end == buffer.Length && !isFinal)
        {
            End = at;
            _skipping = Skipped;
            return JsonToken.NeedMore;
        }

        var scalar = buffer[at..end];
        var token = scalar.SequenceEqual("true"u8) ? JsonToken.True
            : scalar.SequenceEqual("false"u8) ? JsonToken.False
            : scalar.SequenceEqual("null"u8) ? JsonToken.Null
            : JsonNumber.IsValid(scalar) ? JsonToken.Number
            : JsonToken.Error;
        if (token == JsonToken.Error)
        {
            return Fail(at, "a value was expected");
        }

        End = end;
        AfterValue();
        return token;
    }

    private readonly bool InObject => Depth > 0 && (_isObject[(Depth - 1) >> 6] & (1UL << ((Depth - 1) & 63))) != 0;

    private void AfterValue() => _state = Depth == 0 ? State.Done : State.CommaOrEnd;

    private JsonToken Fail(int at, string error)
    {
        Error = $"invalid JSON at byte {at}: {error}";
        return JsonToken.Error;
    }

    /// <summary>Bytes of the escape at the start; 0: not all there yet; −1: not an escape.</summary>
    private static int EscapeLength(ReadOnlySpan<byte> escape)
    {
        if (escape.Length < 2)
        {
            return 0;
        }

        if (escape[1] != (byte)'u')
        {
            return @"""\/bfnrt"u8.Contains(escape[1]) ? 2 : -1;
        }

        for (var i = 2; i < 6; i++)
        {
            if (i >= escape.Length)
            {
                return 0;
            }

            if (!char.IsAsciiHexDigit((char)escape[i]))
            {
                return -1;
            }
        }

        return 6;
    }

    private static byte[] StopBytes()
    {
        var stops = new byte[34];
        for (var i = 0; i < 32; i++)
        {
            stops[i] = (byte)i;
        }

        stops[32] = (byte)'"';
        stops[33] = (byte)'\\';
        return stops;
    }
}
