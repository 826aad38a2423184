using System.Runtime.CompilerServices;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// The tokens of one prompt up to any place in it: exact where an engine counted them, between such places in
/// proportion, after the last one by the learned ratio. Reused; nothing is allocated.
/// </summary>
internal sealed class PromptLengths(KnownLengths known)
{
    /// <summary>Marks that are parts of their own: the end of the tools, and of the system prompt.</summary>
    public const int Parts = 2;

    /// <summary>Marks that are looked up, from the last one back. The first ones always are.</summary>
    private const int LookedAt = 24;

    /// <summary>Marks that are known at most.</summary>
    public const int SpotsMax = LookedAt + PrefixChainBuilder.FirstMarks;

    /// <summary>How far a message may be from the usual ratio and still be the answer whose length is known.</summary>
    private const double Plausible = 4;

    /// <summary>Tokens that a template may add without a unit of the keys to show for them.</summary>
    private const int Slack = 64;

    private readonly Spot[] _spots = new Spot[SpotsMax];
    private readonly (long End, long Tokens)[] _anchors = new (long End, long Tokens)[(2 * SpotsMax) + 1];

    /// <summary>Tokens a unit after each anchor.</summary>
    private readonly double[] _slopes = new double[(2 * SpotsMax) + 1];

    /// <summary>The block that was asked for last.</summary>
    private long _start;
    private long _startTokens;
    private long _end;
    private long _endTokens;
    private int _spotCount;
    private int _anchorCount;
    private int _cursor;
    private double _unitsPerToken;

    /// <summary>The places of which something is known, the deepest first.</summary>
    public ReadOnlySpan<Spot> Spots => _spots.AsSpan(0, _spotCount);

    /// <summary>The whole prompt.</summary>
    public long Total { get; private set; }

    /// <summary>The last place up to which the tokens were counted.</summary>
    public (long End, long Tokens) LastCounted { get; private set; }

    /// <summary>Looks the prompt up.</summary>
    /// <param name="prompt">The prompt; it is not kept.</param>
    /// <param name="unitsPerToken">For what was never counted.</param>
    /// <param name="blockLength">Units in a block.</param>
    public void Read(in PromptPrefix prompt, double unitsPerToken, int blockLength)
    {
        _unitsPerToken = unitsPerToken;
        _spotCount = _anchorCount = _cursor = 0;
        _anchors[_anchorCount++] = default;
        LastCounted = default;
        var marks = prompt.Marks;
        for (var i = marks.Length - 1; i >= 0; i--)
        {
            if (marks.Length - i > LookedAt && i >= PrefixChainBuilder.FirstMarks)
            {
                i = PrefixChainBuilder.FirstMarks;
                continue;
            }

            ref var length = ref known.Find(marks[i].Hash);
            var isKnown = !Unsafe.IsNullRef(ref length);
            if (isKnown || i < Parts)
            {
                var spot = isKnown ? new Spot(length.Tokens, length.Output, length.Common) : default;
                _spots[_spotCount++] = spot with
                {
                    End = marks[i].End, Hash = marks[i].Hash, Mark = i, Block = (int)(marks[i].End / blockLength),
                };
            }
        }

        for (var i = _spotCount - 1; i >= 0; i--)
        {
            Anchor(in _spots[i], marks);
        }

        var (end, tokens) = _anchors[_anchorCount - 1];
        Total = Math.Max(1, tokens + (long)(Math.Max(0, prompt.Length - end) / unitsPerToken));
        if (prompt.Length > end)
        {
            Add(prompt.Length, Total);
        }

        _start = _end = -1;
        for (var i = 0; i < _anchorCount - 1; i++)
        {
            var (to, after) = _anchors[i + 1];
            _slopes[i] = (after - _anchors[i].Tokens) / (double)(to - _anchors[i].End);
        }

        _slopes[_anchorCount - 1] = 1 / unitsPerToken;
    }

    /// <summary>Tokens before <paramref name="end"/>. Fastest where the calls go on from each other.</summary>
    public long At(long end)
    {
        if (end < _anchors[_cursor].End)
        {
            _cursor = 0;
        }

        while (_cursor < _anchorCount - 1 && end >= _anchors[_cursor + 1].End)
        {
            _cursor++;
        }

        var (from, tokens) = _anchors[_cursor];
        return tokens + (long)((end - from) * _slopes[_cursor]);
    }

    /// <summary>Tokens of one block.</summary>
    public long OfBlock(int depth, int blockLength)
    {
        var from = (long)depth * blockLength;
        var before = from == _end ? _endTokens : At(from);
        var to = from + blockLength;
        var after = to == _start ? _startTokens : At(to);
        (_start, _startTokens, _end, _endTokens) = (from, before, to, after);
        return after - before;
    }

    private void Anchor(in Spot spot, ReadOnlySpan<PromptMark> marks)
    {
        if (spot.Tokens > 0)
        {
            Add(spot.End, spot.Tokens);
            LastCounted = (spot.End, spot.Tokens);
            AnchorAnswer(in spot, marks);
        }
        else if (spot.Common > 0)
        {
            Add(spot.End, spot.Common);
        }
    }

    /// <summary>What follows a prompt that was answered is that answer, where its length does not speak against it.
    /// </summary>
    private void AnchorAnswer(in Spot spot, ReadOnlySpan<PromptMark> marks)
    {
        if (spot.Output > 0 && spot.Mark + 1 < marks.Length)
        {
            var answer = marks[spot.Mark + 1];
            var usual = spot.Output * _unitsPerToken;
            var units = answer.End - spot.End;
            if (units > usual / Plausible && units - 128 < usual * Plausible)
            {
                Add(answer.End, spot.Tokens + spot.Output);
                LastCounted = (answer.End, spot.Tokens + spot.Output);
            }
        }
    }

    private void Add(long end, long tokens)
    {
        var last = _anchors[_anchorCount - 1];
        if (end > last.End && tokens >= last.Tokens && tokens - last.Tokens <= (2 * (end - last.End)) + Slack)
        {
            _anchors[_anchorCount++] = (end, tokens);
        }
    }
}

/// <summary>A mark of a prompt of which something is known.</summary>
/// <param name="Tokens">Tokens of a prompt that ends there; 0 where that is not known.</param>
/// <param name="Output">Tokens of its answer.</param>
/// <param name="Common">Tokens that engines find where prompts part there; 0 where that is not known.</param>
internal readonly record struct Spot(int Tokens, int Output, int Common)
{
    public long End { get; init; }

    public ulong Hash { get; init; }

    /// <summary>Its place among the prompt's marks.</summary>
    public int Mark { get; init; }

    /// <summary>The block that it lies in: all before it must be held for what ends here to be of use.</summary>
    public int Block { get; init; }

    /// <summary>Under what a replica keeps that it answered a prompt that ends here.</summary>
    public ulong EndKey => EndKeyOf(Hash);

    /// <summary>Under what a replica keeps that it holds the part that ends here.</summary>
    public ulong PartKey => PartKeyOf(Hash);

    public static ulong EndKeyOf(ulong mark) => Hash64.Combine(mark, 1);

    public static ulong PartKeyOf(ulong mark) => Hash64.Combine(mark, 2);
}
