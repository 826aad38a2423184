using Penstock.Core.Prefixes;

namespace Penstock.Wire.Scan;

/// <summary>
/// Finds the canonical prompt in a body while its tokens go by: tools, then system, then messages, in whatever order
/// they stand, without white space and cache marks, and with a string written as the one text block it stands for.
/// Nothing is copied; what is kept are the places where the prompt differs from the body's bytes, and where messages
/// end.
/// </summary>
internal sealed class PromptScan
{
    private readonly PromptEdits _edits = new();
    private Part _tools;
    private Part _system;
    private Part _messages;
    private BodyField _field;
    private Part _part;
    private bool _begun;
    private bool _isContent;
    private int _freeFormDepth;
    private CacheMark _mark;
    private JsonToken _previous;
    private int _previousStart;
    private int _previousEnd;

    private enum KnownKey : byte
    {
        Other,
        Content,
        CacheControl,

        /// <summary>Its content is the user's own, so that a <c>cache_control</c> in it is no mark.</summary>
        FreeForm,
    }

    public void Start()
    {
        _edits.Clear();
        _tools = _system = _messages = default;
    }

    /// <summary>The next tokens are the value of <paramref name="field"/>.</summary>
    public void Begin(BodyField field)
    {
        _field = field;
        _part.First = _edits.Count;
        _begun = _isContent = false;
        _freeFormDepth = 0;
        _mark = default;
    }

    /// <summary>Looks at one token of the value.</summary>
    public void See(JsonToken token, in JsonScanner json, ReadOnlySpan<byte> body)
    {
        if (!_mark.Open || !_mark.TryClose(token, in json, _edits))
        {
            SeeKept(token, in json, body);
        }

        _begun = true;
        _previous = token;
        _previousStart = json.Start;
        _previousEnd = json.End;
    }

    /// <summary>The value is complete.</summary>
    public void End(ValueRange range)
    {
        _part.Range = range;
        _part.Ends = _field != BodyField.Messages;
        _part.Last = _edits.Count;
        switch (_field)
        {
            case BodyField.Tools:
                _tools = _part;
                break;
            case BodyField.System:
                _system = _part;
                break;
            default:
                _messages = _part;
                break;
        }
    }

    /// <summary>Feeds the canonical prompt into <paramref name="chain"/>.</summary>
    public void Feed(ReadOnlySpan<byte> body, PrefixChainBuilder chain)
    {
        Feed(body, in _tools, chain, "tools"u8);
        Feed(body, in _system, chain, "system"u8);
        Feed(body, in _messages, chain, "messages"u8);
    }

    private void Feed(ReadOnlySpan<byte> body, in Part part, PrefixChainBuilder chain, ReadOnlySpan<byte> name)
    {
        if (part.Range.IsPresent)
        {
            chain.Append(name);
            _edits.Feed(body, part.Range, part.First, part.Last, chain);
            if (part.Ends)
            {
                chain.Mark();
            }
        }
    }

    private void SeeKept(JsonToken token, in JsonScanner json, ReadOnlySpan<byte> body)
    {
        if (_begun)
        {
            CutSpaceBefore(in json);
        }

        if (token == JsonToken.Key)
        {
            SeeKey(in json, body);
            return;
        }

        if (token == JsonToken.String && (_isContent || (_field == BodyField.System && json.Depth == 1)))
        {
            _edits.Wrap(json.Start, json.End);
        }
        else if (token == JsonToken.ObjectEnd && json.Depth == 2 && _field == BodyField.Messages)
        {
            _edits.Mark(json.End);
        }

        _isContent = false;
    }

    private void CutSpaceBefore(in JsonScanner json)
    {
        // One byte apart after a key is its colon, nothing apart is no white space: the way that programs write JSON.
        if (json.Start - _previousEnd <= (_previous == JsonToken.Key ? 1 : 0))
        {
            return;
        }

        if (_previous == JsonToken.Key)
        {
            _edits.Cut(_previousEnd, json.Colon);
            _edits.Cut(json.Colon + 1, json.Start);
        }
        else
        {
            _edits.Cut(_previousEnd, json.Start);
        }
    }

    private void SeeKey(in JsonScanner json, ReadOnlySpan<byte> body)
    {
        var name = KeyOf(body[(json.Start + 1)..(json.End - 1)]);
        _isContent = name == KnownKey.Content && _field == BodyField.Messages && json.Depth == 3;
        if (json.Depth <= _freeFormDepth)
        {
            _freeFormDepth = 0;
        }

        if (_freeFormDepth > 0)
        {
            return;
        }

        if (name == KnownKey.CacheControl)
        {
            var leading = _previous == JsonToken.Comma;
            _mark = new CacheMark(leading ? _previousStart : json.Start, json.Depth, leading);
        }
        else if (name == KnownKey.FreeForm)
        {
            _freeFormDepth = json.Depth;
        }
    }

    private static KnownKey KeyOf(ReadOnlySpan<byte> name) => name.Length switch
    {
        5 when name.SequenceEqual("input"u8) => KnownKey.FreeForm,
        7 when name.SequenceEqual("content"u8) => KnownKey.Content,
        10 when name.SequenceEqual("parameters"u8) => KnownKey.FreeForm,
        12 when name.SequenceEqual("input_schema"u8) => KnownKey.FreeForm,
        13 when name.SequenceEqual("cache_control"u8) => KnownKey.CacheControl,
        14 when name.SequenceEqual("input_examples"u8) => KnownKey.FreeForm,
        _ => KnownKey.Other,
    };

    private struct Part
    {
        public ValueRange Range;
        public int First;
        public int Last;

        /// <summary>Its end is a mark. What comes after the last message differs from turn to turn.</summary>
        public bool Ends;
    }
}
