using System.Text.Json;
using System.Text.Unicode;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Core.Prefixes;

namespace Penstock.Wire.Scan;

/// <summary>Whether a body has been read to its end.</summary>
public enum ScanStatus : byte
{
    NeedMore,
    Complete,
    Failed,
}

/// <summary>
/// Reads the few members of a request body that matter, with their positions, as the body arrives, and validates it as
/// JSON on the way. The body itself is never copied, decoded or rewritten.
/// </summary>
/// <remarks>Reusable through <see cref="Start"/>; not thread-safe. Memory is bounded by <see cref="PromptEdits.Max"/>
/// entries of 12 bytes.</remarks>
public sealed class BodyScan(int depthMax)
{
    private readonly PromptEdits _edits = new();
    private JsonScanner _json = new(depthMax);
    private Dialect _dialect;
    private bool _isCount;
    private Members _members;
    private BodyField _field;
    private int _fieldStart;
    private int _fieldEdits;
    private JsonToken _previous;
    private int _previousStart;
    private PromptMember _member;
    private CacheMark _mark;

    private enum PromptMember : byte
    {
        Other,
        Content,
        CacheControl,
        IncludeUsage,
    }

    /// <summary>Why the body is refused, after <see cref="ScanStatus.Failed"/>.</summary>
    public Failure? Failure { get; private set; }

    /// <summary>The model's name as sent, quotes included.</summary>
    public ValueRange ModelRange => _members.Model;

    /// <summary>The model's name, unescaped.</summary>
    public string Model { get; private set; } = "";

    public bool Stream { get; private set; }

    /// <summary>The most tokens the answer may have; −1 where the body does not say.</summary>
    public long MaxTokens { get; private set; }

    /// <summary>The value of <c>stream_options</c>.</summary>
    public ValueRange StreamOptions => _members.StreamOptions;

    /// <summary>The value of <c>stream_options.include_usage</c>.</summary>
    public ValueRange IncludeUsage => _members.IncludeUsage;

    /// <summary>The client asked for a usage chunk at the end of its stream.</summary>
    public bool WantsUsage { get; private set; }

    public bool HasTools => _members.Tools.Length > 2;

    /// <summary>Begins another body.</summary>
    /// <param name="dialect">The dialect of the body.</param>
    /// <param name="isCount">The body asks to count tokens: it needs no <c>max_tokens</c>.</param>
    public void Start(Dialect dialect, bool isCount)
    {
        _dialect = dialect;
        _isCount = isCount;
        _json.Reset();
        _edits.Clear();
        _members = default;
        _field = BodyField.Other;
        _member = PromptMember.Other;
        _mark = default;
        _previous = JsonToken.NeedMore;
        Failure = null;
        Model = "";
        Stream = WantsUsage = false;
        MaxTokens = -1;
    }

    /// <summary>
    /// Scans on through <paramref name="body"/>, all bytes of it so far; with <paramref name="isFinal"/> there are no
    /// more to come.
    /// </summary>
    public ScanStatus Advance(ReadOnlySpan<byte> body, bool isFinal)
    {
        while (true)
        {
            var token = _json.Next(body, isFinal);
            switch (token)
            {
                case JsonToken.NeedMore:
                    return ScanStatus.NeedMore;
                case JsonToken.Error:
                    return Refuse(_json.Error!);
                case JsonToken.End:
                    return Finish(body);
            }

            if (!See(token, body))
            {
                return ScanStatus.Failed;
            }

            _previous = token;
            _previousStart = _json.Start;
        }
    }

    /// <summary>Feeds the canonical prompt, tools then system then messages, into <paramref name="chain"/>. Members
    /// with cache marks and without hash alike, as do a string and the one text block it stands for.</summary>
    public void FeedPrompt(ReadOnlySpan<byte> body, PrefixChainBuilder chain)
    {
        FeedField(body, _members.Tools, _members.ToolsEdits, chain, "tools"u8);
        FeedField(body, _members.System, _members.SystemEdits, chain, "system"u8);
        FeedField(body, _members.Messages, _members.MessagesEdits, chain, "messages"u8);
    }

    private void FeedField(
        ReadOnlySpan<byte> body, ValueRange range, (int First, int Last) edits, PrefixChainBuilder chain,
        ReadOnlySpan<byte> name)
    {
        if (range.IsPresent)
        {
            chain.Append(name);
            _edits.Feed(body, range, edits.First, edits.Last, chain);
        }
    }

    private bool See(JsonToken token, ReadOnlySpan<byte> body)
    {
        if (_previous == JsonToken.NeedMore && token != JsonToken.ObjectStart)
        {
            Refuse("the body must be a JSON object");
            return false;
        }

        var depth = _json.Depth;
        if (depth == 1 && token == JsonToken.Key)
        {
            return BeginField(body);
        }

        if (_field == BodyField.Other)
        {
            return true;
        }

        if (_fieldStart < 0)
        {
            _fieldStart = _json.Start;
        }

        SeeInside(token, body, depth);
        return depth != 1 || token == JsonToken.Comma || EndField(token, body);
    }

    private bool BeginField(ReadOnlySpan<byte> body)
    {
        var name = body[(_json.Start + 1)..(_json.End - 1)];
        _field = _json.Escaped
            ? BodyFields.Identify(System.Text.Encoding.UTF8.GetBytes(Unescape(body[_json.Start.._json.End])))
            : BodyFields.Identify(name);
        if (_field == BodyField.Other)
        {
            return true;
        }

        if (_members.Seen(_field))
        {
            Refuse($"{BodyFields.NameOf(_field)}: given twice", BodyFields.NameOf(_field));
            return false;
        }

        _fieldStart = -1;
        _fieldEdits = _edits.Count;
        _member = PromptMember.Other;
        return true;
    }

    /// <summary>Notes what the canonical prompt leaves out or writes otherwise, and where usage is asked for.</summary>
    private void SeeInside(JsonToken token, ReadOnlySpan<byte> body, int depth)
    {
        if (_field == BodyField.StreamOptions)
        {
            SeeStreamOptions(token, body, depth);
            return;
        }

        if (!BodyFields.IsPrompt(_field))
        {
            return;
        }

        if (_mark.Open && _mark.TryClose(token, in _json, depth, _edits))
        {
            return;
        }

        if (_mark.Open)
        {
            return;
        }

        // White space before the member's value is outside its range; `"messages": [` is how Python writes it.
        if (_json.Skipped > 0 && _json.Start > _fieldStart)
        {
            _edits.Cut(_json.Start - _json.Skipped, _json.Start);
        }

        if (token == JsonToken.Key)
        {
            SeePromptKey(body, depth);
        }
        else if (token == JsonToken.String
            && ((_member == PromptMember.Content && depth == 3) || (depth == 1 && _field == BodyField.System)))
        {
            _edits.Wrap(_json.Start, _json.End);
            _member = PromptMember.Other;
        }
        else if (token != JsonToken.Comma)
        {
            _member = PromptMember.Other;
        }
    }

    private void SeePromptKey(ReadOnlySpan<byte> body, int depth)
    {
        var name = body[(_json.Start + 1)..(_json.End - 1)];
        _member = PromptMember.Other;
        if (name.SequenceEqual("cache_control"u8))
        {
            var leading = _previous == JsonToken.Comma;
            _mark = new CacheMark(leading ? _previousStart : _json.Start, depth, leading);
        }
        else if (_field == BodyField.Messages && depth == 3 && name.SequenceEqual("content"u8))
        {
            _member = PromptMember.Content;
        }
    }

    private void SeeStreamOptions(JsonToken token, ReadOnlySpan<byte> body, int depth)
    {
        if (token == JsonToken.Key)
        {
            _member = depth == 2 && body[(_json.Start + 1)..(_json.End - 1)].SequenceEqual("include_usage"u8)
                ? PromptMember.IncludeUsage
                : PromptMember.Other;
        }
        else if (_member == PromptMember.IncludeUsage)
        {
            _members.IncludeUsage = new ValueRange(_json.Start, _json.End);
            WantsUsage = token == JsonToken.True;
            _member = PromptMember.Other;
        }
    }

    private bool EndField(JsonToken token, ReadOnlySpan<byte> body)
    {
        var range = new ValueRange(_fieldStart, _json.End);
        var field = _field;
        _field = BodyField.Other;
        _members.Set(field, range, (_fieldEdits, _edits.Count));
        switch (field)
        {
            case BodyField.Model:
                Model = token == JsonToken.String ? Unescape(body[range.Start..range.End]) : "";
                return token == JsonToken.String
                    || WrongType(field, "a string");
            case BodyField.Stream:
                Stream = token == JsonToken.True;
                return token is JsonToken.True or JsonToken.False || IsAbsentNull(token)
                    || WrongType(field, "a boolean");
            case BodyField.MaxTokens or BodyField.MaxCompletionTokens:
                return SetMaxTokens(token, body[range.Start..range.End], field);
            case BodyField.Messages:
                return token == JsonToken.ArrayEnd || WrongType(field, "an array");
            case BodyField.Tools:
                return token == JsonToken.ArrayEnd || IsAbsentNull(token) || WrongType(field, "an array");
            case BodyField.System:
                return token is JsonToken.ArrayEnd or JsonToken.String || _dialect != Dialect.Anthropic
                    || WrongType(field, "a string or an array");
            default:
                return token is JsonToken.ObjectEnd or JsonToken.Null || _dialect != Dialect.OpenAiChat
                    || WrongType(field, "an object");
        }
    }

    private bool SetMaxTokens(JsonToken token, ReadOnlySpan<byte> value, BodyField field)
    {
        if (IsAbsentNull(token))
        {
            return true;
        }

        if (token != JsonToken.Number || !JsonNumber.TryInteger(value, out var tokens) || tokens < 0)
        {
            return WrongType(field, "a whole number, 0 or more");
        }

        MaxTokens = tokens;
        return true;
    }

    private bool IsAbsentNull(JsonToken token) => token == JsonToken.Null && _dialect == Dialect.OpenAiChat;

    private ScanStatus Finish(ReadOnlySpan<byte> body)
    {
        if (!Utf8.IsValid(body))
        {
            return Refuse("the body is not valid UTF-8");
        }

        var missing = !_members.Model.IsPresent ? "model"
            : !_members.Messages.IsPresent ? "messages"
            : _dialect == Dialect.Anthropic && !_isCount && MaxTokens < 0 ? "max_tokens"
            : null;
        return missing is null ? ScanStatus.Complete : Refuse($"{missing}: Field required", missing);
    }

    private bool WrongType(BodyField field, string wanted)
    {
        var name = BodyFields.NameOf(field);
        Refuse($"{name}: Input should be {wanted}", name);
        return false;
    }

    private ScanStatus Refuse(string message, string? param = null)
    {
        Failure = new Failure(FailureKind.InvalidRequest, message, param);
        return ScanStatus.Failed;
    }

    private static string Unescape(ReadOnlySpan<byte> quoted)
    {
        var reader = new Utf8JsonReader(quoted);
        try
        {
            reader.Read();
            return reader.GetString() ?? "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // A lone surrogate, or bytes that are no UTF-8: refused later as such; no model has that name.
            return "\uFFFD";
        }
    }
}
