namespace Penstock.Wire.Scan;

/// <summary>
/// A strict, resumable tokenizer for one JSON document (RFC 8259) in a buffer that grows: it validates while it goes,
/// looks at no byte twice for having arrived in pieces, and copies nothing. It hands out positions; strings keep their
/// escapes.
/// </summary>
/// <remarks>Does not check that strings are valid UTF-8: one vectorised pass over the whole body does that better.
/// </remarks>
internal struct JsonScanner
{
    /// <summary>Levels of nesting that fit; a lower limit is the caller's to set.</summary>
    public const int DepthLimit = 1024;

    private readonly ulong[] _isObject;
    private readonly int _depthMax;
    private int _at;
    private State _state;
    private Open _open;

    public JsonScanner(int depthMax)
    {
        _depthMax = Math.Min(depthMax, DepthLimit);
        _isObject = new ulong[DepthLimit / 64];
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

    /// <summary>The token that the bytes so far broke off in.</summary>
    private enum Open : byte
    {
        None,
        String,
        Scalar,
    }

    /// <summary>Where the last token begins.</summary>
    public int Start { get; private set; }

    /// <summary>Where the last token ends, exclusive.</summary>
    public int End { get; private set; }

    /// <summary>Where the last colon was; it is no token of its own.</summary>
    public int Colon { get; private set; }

    /// <summary>Containers that are open after the last token.</summary>
    public int Depth { get; private set; }

    /// <summary>The last string or key contains a backslash.</summary>
    public bool Escaped { get; private set; }

    /// <summary>What is wrong, after <see cref="JsonToken.Error"/>.</summary>
    public string? Error { get; private set; }

    private readonly bool InObject => Depth > 0 && (_isObject[(Depth - 1) >> 6] & (1UL << ((Depth - 1) & 63))) != 0;

    /// <summary>Makes the scanner ready for another document.</summary>
    public void Reset()
    {
        Start = End = Colon = Depth = _at = 0;
        _state = State.Value;
        _open = Open.None;
        Escaped = false;
        Error = null;
    }

    /// <summary>The next token of <paramref name="buffer"/>, all of the document so far.</summary>
    public JsonToken Next(ReadOnlySpan<byte> buffer, bool isFinal)
    {
        switch (_open)
        {
            case Open.String:
                return ContinueString(buffer, isFinal);
            case Open.Scalar:
                return ContinueScalar(buffer, isFinal);
        }

        while (true)
        {
            while ((uint)_at < (uint)buffer.Length && JsonText.IsSpace(buffer[_at]))
            {
                _at++;
            }

            if (_at >= buffer.Length)
            {
                return !isFinal ? JsonToken.NeedMore
                    : _state == State.Done ? JsonToken.End
                    : Fail("the document ends too early");
            }

            if (_state != State.Colon)
            {
                Start = _at;
                return Dispatch(buffer, isFinal);
            }

            if (buffer[_at] != (byte)':')
            {
                return Fail("a ':' was expected");
            }

            Colon = _at++;
            _state = State.Value;
        }
    }

    private JsonToken Dispatch(ReadOnlySpan<byte> buffer, bool isFinal)
    {
        var b = buffer[_at];
        switch (_state)
        {
            case State.CommaOrEnd:
                return b == (byte)',' ? Comma() : Close(b);
            case State.KeyOrEnd when b == (byte)'}':
                return Close(b);
            case State.KeyOrEnd or State.Key:
                return b == (byte)'"' ? BeginString(buffer, isFinal) : Fail("a member name was expected");
            case State.ValueOrEnd when b == (byte)']':
                return Close(b);
            case State.Done:
                return Fail("something follows the end of the document");
        }

        return b switch
        {
            (byte)'"' => BeginString(buffer, isFinal),
            (byte)'{' => Enter(isObject: true),
            (byte)'[' => Enter(isObject: false),
            _ => ContinueScalar(buffer, isFinal),
        };
    }

    private JsonToken Comma()
    {
        _state = InObject ? State.Key : State.Value;
        return Take(_at + 1, JsonToken.Comma);
    }

    private JsonToken Enter(bool isObject)
    {
        if (Depth == _depthMax)
        {
            return Fail($"nested deeper than {_depthMax} levels");
        }

        var bit = 1UL << (Depth & 63);
        ref var word = ref _isObject[Depth >> 6];
        word = isObject ? word | bit : word & ~bit;
        Depth++;
        _state = isObject ? State.KeyOrEnd : State.ValueOrEnd;
        return Take(_at + 1, isObject ? JsonToken.ObjectStart : JsonToken.ArrayStart);
    }

    private JsonToken Close(byte b)
    {
        var isObject = InObject;
        if (b != (isObject ? (byte)'}' : (byte)']'))
        {
            return Fail(isObject ? "a ',' or '}' was expected" : "a ',' or ']' was expected");
        }

        Depth--;
        AfterValue();
        return Take(_at + 1, isObject ? JsonToken.ObjectEnd : JsonToken.ArrayEnd);
    }

    private JsonToken BeginString(ReadOnlySpan<byte> buffer, bool isFinal)
    {
        Escaped = false;
        _at++;
        return ContinueString(buffer, isFinal);
    }

    private JsonToken ContinueString(ReadOnlySpan<byte> buffer, bool isFinal)
    {
        while (true)
        {
            _at += JsonText.PlainLength(buffer[_at..]);
            if (_at == buffer.Length)
            {
                return Await(Open.String, isFinal, "a string does not end");
            }

            if (buffer[_at] == (byte)'"')
            {
                return EndString();
            }

            if (buffer[_at] != (byte)'\\')
            {
                return Fail("a control character in a string");
            }

            Escaped = true;
            var length = JsonText.EscapeLength(buffer[_at..]);
            if (length == 0)
            {
                return Await(Open.String, isFinal, "a string does not end");
            }

            if (length < 0)
            {
                return Fail("an escape that JSON does not know");
            }

            _at += length;
        }
    }

    private JsonToken EndString()
    {
        if (_state is State.Key or State.KeyOrEnd)
        {
            _state = State.Colon;
            return Take(_at + 1, JsonToken.Key);
        }

        AfterValue();
        return Take(_at + 1, JsonToken.String);
    }

    private JsonToken ContinueScalar(ReadOnlySpan<byte> buffer, bool isFinal)
    {
        var length = JsonText.ScalarLength(buffer[_at..]);
        _at += length;
        if (_at - Start > JsonText.ScalarBytesMax)
        {
            return Fail("a number that is too long");
        }

        if (_at == buffer.Length && !isFinal)
        {
            return Await(Open.Scalar, isFinal, "");
        }

        var token = JsonText.ScalarToken(buffer[Start.._at]);
        if (token == JsonToken.Error)
        {
            _at = Start;
            return Fail("a value was expected");
        }

        AfterValue();
        return Take(_at, token);
    }

    private JsonToken Take(int end, JsonToken token)
    {
        End = _at = end;
        _open = Open.None;
        return token;
    }

    private JsonToken Await(Open open, bool isFinal, string error)
    {
        _open = open;
        return isFinal ? Fail(error) : JsonToken.NeedMore;
    }

    private void AfterValue() => _state = Depth == 0 ? State.Done : State.CommaOrEnd;

    private JsonToken Fail(string error)
    {
        Error = $"invalid JSON at byte {_at}: {error}";
        return JsonToken.Error;
    }
}
