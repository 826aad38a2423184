namespace Penstock.Wire.Scan;

/// <summary>
/// A <c>cache_control</c> member that is being passed over: from the comma before it, or, where it comes first in its
/// object, to the comma after it.
/// </summary>
internal struct CacheMark(int start, int depth, bool leadingComma)
{
    private bool _valueSeen;

    public bool Open { get; private set; } = true;

    /// <summary>Looks at a token after the member's name; true where the token is part of what is left out.</summary>
    public bool TryClose(JsonToken token, in JsonScanner json, PromptEdits edits)
    {
        if (!_valueSeen)
        {
            _valueSeen = json.Depth == depth && token is not (JsonToken.Key or JsonToken.Comma);
            if (_valueSeen && leadingComma)
            {
                edits.Cut(start, json.End);
                Open = false;
            }

            return true;
        }

        Open = false;
        edits.Cut(start, token == JsonToken.Comma ? json.End : json.Start);
        return token == JsonToken.Comma;
    }
}
