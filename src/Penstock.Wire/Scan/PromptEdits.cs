using Penstock.Core.Prefixes;

namespace Penstock.Wire.Scan;

/// <summary>
/// How the bytes of a body become the canonical prompt: pieces to leave out (cache marks, which move from turn to
/// turn, and white space) and strings to write as the text block they stand for. In body order, bounded.
/// </summary>
internal sealed class PromptEdits
{
    /// <summary>Beyond this many, later white space and marks are hashed as they stand: still a valid chain, only one
    /// that matches less.</summary>
    public const int Max = 65_536;

    private readonly List<Edit> _edits = [];

    private enum Kind : byte
    {
        Cut,
        Wrap,

        /// <summary>Takes no bytes: a part of the prompt ends here.</summary>
        Mark,
    }

    public int Count => _edits.Count;

    public void Clear() => _edits.Clear();

    /// <summary>Leaves out the bytes from <paramref name="start"/> to <paramref name="end"/>, with what was noted
    /// inside of them before. Edits never overlap.</summary>
    public void Cut(int start, int end)
    {
        while (start < end && _edits.Count > 0 && IsInside(_edits[^1], start))
        {
            _edits.RemoveAt(_edits.Count - 1);
        }

        if (_edits.Count > 0)
        {
            start = Math.Max(start, _edits[^1].End);
        }

        if (start < end)
        {
            Add(new Edit(start, end, Kind.Cut));
        }
    }

    public void Wrap(int start, int end) => Add(new Edit(start, end, Kind.Wrap));

    public void Mark(int at) => Add(new Edit(at, at, Kind.Mark));

    /// <summary>Feeds the canonical form of <paramref name="range"/>, whose edits are those from
    /// <paramref name="first"/> to <paramref name="last"/>, exclusive.</summary>
    public void Feed(
        ReadOnlySpan<byte> body, ValueRange range, int first, int last, PrefixChainBuilder chain)
    {
        var at = range.Start;
        for (var i = first; i < last; i++)
        {
            var edit = _edits[i];
            chain.Append(body[at..edit.Start]);
            if (edit.Kind == Kind.Wrap)
            {
                chain.Append("[{\"type\":\"text\",\"text\":"u8);
                chain.Append(body[edit.Start..edit.End]);
                chain.Append("}]"u8);
            }
            else if (edit.Kind == Kind.Mark)
            {
                chain.Mark();
            }

            at = edit.End;
        }

        chain.Append(body[at..range.End]);
    }

    private static bool IsInside(Edit edit, int start) =>
        edit.Start > start || (edit.Start == start && edit.Kind != Kind.Mark);

    private void Add(Edit edit)
    {
        if (_edits.Count < Max)
        {
            _edits.Add(edit);
        }
    }

    private readonly record struct Edit(int Start, int End, Kind Kind);
}
