using System.Text;
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
    private readonly PromptScan _prompt = new();
    private readonly CacheFields _cache = new();
    private JsonScanner _json = new(depthMax);
    private Dialect _dialect;
    private bool _isCount;
    private uint _seen;
    private BodyField _field;
    private int _fieldStart;
    private bool _hasMessages;
    private bool _hasCompletionBound;
    private bool _isIncludeUsage;
    private JsonToken _previous;

    /// <summary>Why the body is refused, after <see cref="ScanStatus.Failed"/>.</summary>
    public Failure? Failure { get; private set; }

    /// <summary>The model's name as sent, quotes included.</summary>
    public ValueRange ModelRange { get; private set; }

    /// <summary>The model's name, unescaped.</summary>
    public string Model { get; private set; } = "";

    public bool Stream { get; private set; }

    /// <summary>The most tokens the answer may have; −1 where the body does not say. Where a chat body says both,
    /// <c>max_completion_tokens</c> counts and the older <c>max_tokens</c> does not.</summary>
    public long MaxTokens { get; private set; }

    /// <summary>The value of <c>stream_options</c>.</summary>
    public ValueRange StreamOptions { get; private set; }

    /// <summary>The value of <c>stream_options.include_usage</c>.</summary>
    public ValueRange IncludeUsage { get; private set; }

    /// <summary>The client asked for a usage chunk at the end of its stream.</summary>
    public bool WantsUsage { get; private set; }

    /// <summary>There is at least one tool.</summary>
    public bool HasTools { get; private set; }

    /// <summary>Whatever an engine holds of the prompt, with these members nothing of it is found, or nobody can tell
    /// what.</summary>
    public bool SkipsCache => _cache.SkipsCache;

    /// <summary>Begins another body.</summary>
    /// <param name="dialect">The dialect of the body.</param>
    /// <param name="isCount">The body asks to count tokens: it needs no <c>max_tokens</c>.</param>
    public void Start(Dialect dialect, bool isCount)
    {
        _dialect = dialect;
        _isCount = isCount;
        _json.Reset();
        _prompt.Start();
        _cache.Start();
        _seen = 0;
        _field = BodyField.Other;
        _hasMessages = _hasCompletionBound = _isIncludeUsage = false;
        _previous = JsonToken.NeedMore;
        Failure = null;
        ModelRange = StreamOptions = IncludeUsage = default;
        Model = "";
        Stream = WantsUsage = HasTools = false;
        MaxTokens = -1;
    }

    /// <summary>
    /// Scans on through <paramref name="body"/>, all bytes of it so far; with <paramref name="isFinal"/> there are no
    /// more to come.
    /// </summary>
    public ScanStatus Advance(ReadOnlySpan<byte> body, bool isFinal)
    {
        while (Failure is null)
        {
            var token = _json.Next(body, isFinal);
            switch (token)
            {
                case JsonToken.NeedMore:
                    return ScanStatus.NeedMore;
                case JsonToken.Error:
                    Refuse(_json.Error!);
                    return ScanStatus.Failed;
                case JsonToken.End:
                    return Finish(body) ? ScanStatus.Complete : ScanStatus.Failed;
            }

            See(token, body);
            _previous = token;
        }

        return ScanStatus.Failed;
    }

    /// <summary>Feeds the canonical prompt, tools then system then messages, into <paramref name="chain"/>. Members
    /// with cache marks and without hash alike, as do a string and the one text block it stands for.</summary>
    public void FeedPrompt(ReadOnlySpan<byte> body, PrefixChainBuilder chain) => _prompt.Feed(body, chain);

    /// <summary>The scope that the prompt's chain is to begin with: with the members mixed in that make an engine keep
    /// it apart, or make something else of it.</summary>
    public ulong ScopeOf(ReadOnlySpan<byte> body, ulong scope) => _cache.Mix(body, scope);

    private void See(JsonToken token, ReadOnlySpan<byte> body)
    {
        if (_previous == JsonToken.NeedMore && token != JsonToken.ObjectStart)
        {
            Refuse("the body must be a JSON object");
        }
        else if (_json.Depth == 1 && token == JsonToken.Key)
        {
            BeginField(body);
        }
        else if (_field != BodyField.Other)
        {
            SeeInside(token, body);
        }
    }

    private void BeginField(ReadOnlySpan<byte> body)
    {
        var name = Name(body);
        _fieldStart = -1;
        _field = BodyFields.Identify(name, _dialect);
        if (_field == BodyField.Other)
        {
            _field = _cache.TryBegin(name) ? BodyField.Cache : BodyField.Other;
            return;
        }

        var bit = 1u << (int)_field;
        if ((_seen & bit) != 0)
        {
            Refuse($"{BodyFields.NameOf(_field)}: given twice", BodyFields.NameOf(_field));
        }

        _seen |= bit;
        if (BodyFields.IsPrompt(_field))
        {
            _prompt.Begin(_field);
        }
    }

    private void SeeInside(JsonToken token, ReadOnlySpan<byte> body)
    {
        if (_fieldStart < 0)
        {
            _fieldStart = _json.Start;
        }

        if (BodyFields.IsPrompt(_field))
        {
            _prompt.See(token, in _json, body);
        }
        else if (_field == BodyField.StreamOptions)
        {
            SeeStreamOptions(token, body);
        }

        if (_json.Depth == 1)
        {
            var field = _field;
            _field = BodyField.Other;
            EndField(field, token, new ValueRange(_fieldStart, _json.End), body);
        }
    }

    private void SeeStreamOptions(JsonToken token, ReadOnlySpan<byte> body)
    {
        if (_isIncludeUsage)
        {
            IncludeUsage = new ValueRange(_json.Start, _json.End);
            WantsUsage = token == JsonToken.True;
            Expect(token is JsonToken.True or JsonToken.False or JsonToken.Null, BodyField.StreamOptions,
                "an object whose include_usage is a boolean");
        }

        _isIncludeUsage = token == JsonToken.Key && _json.Depth == 2 && Name(body).SequenceEqual("include_usage"u8);
    }

    /// <summary>The name of the member at hand, unescaped.</summary>
    private ReadOnlySpan<byte> Name(ReadOnlySpan<byte> body) => _json.Escaped
        ? Encoding.UTF8.GetBytes(QuotedText.Unescape(body[_json.Start.._json.End]))
        : body[(_json.Start + 1)..(_json.End - 1)];

    private void EndField(BodyField field, JsonToken token, ValueRange range, ReadOnlySpan<byte> body)
    {
        if (BodyFields.IsPrompt(field))
        {
            _prompt.End(range);
        }

        switch (field)
        {
            case BodyField.Model:
                Expect(token == JsonToken.String, field, "a string");
                ModelRange = range;
                Model = Failure is null ? QuotedText.Unescape(body[range.Start..range.End]) : "";
                break;
            case BodyField.Stream:
                Expect(token is JsonToken.True or JsonToken.False || IsAbsentNull(token), field, "a boolean");
                Stream = token == JsonToken.True;
                break;
            case BodyField.MaxTokens or BodyField.MaxCompletionTokens:
                SetMaxTokens(token, body[range.Start..range.End], field);
                break;
            case BodyField.Messages:
                Expect(token == JsonToken.ArrayEnd, field, "an array");
                _hasMessages = true;
                break;
            case BodyField.Tools:
                Expect(token == JsonToken.ArrayEnd || IsAbsentNull(token), field, "an array");
                HasTools = token == JsonToken.ArrayEnd && _previous != JsonToken.ArrayStart;
                break;
            case BodyField.System:
                Expect(token is JsonToken.ArrayEnd or JsonToken.String, field, "a string or an array");
                break;
            case BodyField.Cache:
                _cache.End(token, range, body);
                break;
            case BodyField.StreamOptions:
                Expect(token is JsonToken.ObjectEnd or JsonToken.Null, field, "an object");
                StreamOptions = range;
                break;
        }
    }

    private void SetMaxTokens(JsonToken token, ReadOnlySpan<byte> value, BodyField field)
    {
        if (IsAbsentNull(token))
        {
            return;
        }

        long tokens = 0;
        Expect(
            token == JsonToken.Number && JsonNumber.TryInteger(value, out tokens) && tokens >= 0, field,
            "a whole number, 0 or more");
        if (field == BodyField.MaxCompletionTokens || !_hasCompletionBound)
        {
            MaxTokens = tokens;
        }

        _hasCompletionBound |= field == BodyField.MaxCompletionTokens;
    }

    /// <summary>OpenAI's optional members may be null, which counts as left out.</summary>
    private bool IsAbsentNull(JsonToken token) => token == JsonToken.Null && _dialect == Dialect.OpenAiChat;

    private bool Finish(ReadOnlySpan<byte> body)
    {
        var missing = !ModelRange.IsPresent ? "model"
            : !_hasMessages ? "messages"
            : _dialect == Dialect.Anthropic && !_isCount && MaxTokens < 0 ? "max_tokens"
            : null;
        if (!Utf8.IsValid(body))
        {
            Refuse("the body is not valid UTF-8");
        }
        else if (missing is not null)
        {
            Refuse($"{missing}: Field required", missing);
        }

        return Failure is null;
    }

    private void Expect(bool condition, BodyField field, string wanted)
    {
        if (!condition)
        {
            Refuse($"{BodyFields.NameOf(field)}: Input should be {wanted}", BodyFields.NameOf(field));
        }
    }

    private void Refuse(string message, string? param = null) =>
        Failure ??= new Failure(FailureKind.InvalidRequest, message, param);
}
