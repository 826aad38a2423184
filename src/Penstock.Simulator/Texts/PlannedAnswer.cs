using System.Text;
using Penstock.Core.Primitives;

namespace Penstock.Simulator.Texts;

/// <summary>Why an answer ends.</summary>
public enum AnswerEnd
{
    /// <summary>The model was done.</summary>
    Natural,

    /// <summary>It was as long as it may be.</summary>
    Length,

    /// <summary>It produced one of the caller's stop sequences.</summary>
    StopSequence,

    /// <summary>It is a tool call.</summary>
    ToolCall,
}

/// <summary>What the caller said about the length of an answer.</summary>
/// <param name="TokensMax">At most that many tokens.</param>
/// <param name="TokensMin">At least that many, end of text or not.</param>
/// <param name="IgnoreEnd">Go on to <paramref name="TokensMax"/>.</param>
/// <param name="StopSequences">Texts that end the answer and are not part of it.</param>
public sealed record AnswerLimits(
    int TokensMax, int TokensMin = 0, bool IgnoreEnd = false, IReadOnlyList<string>? StopSequences = null);

/// <summary>
/// An answer, known whole before its first token is simulated. It depends on the prompt, the seed and the limits and on
/// nothing else, so a request that is repeated gets the same text.
/// </summary>
public sealed class PlannedAnswer
{
    private const int NaturalTokensMin = 24;
    private const int NaturalTokensMax = 120;

    private readonly byte[] _text;
    private readonly int[] _ends;
    private readonly int _hidden;

    private PlannedAnswer(byte[] text, int[] ends, AnswerEnd end, string? stopSequence, int hidden = 0)
    {
        _text = text;
        _ends = ends;
        _hidden = Math.Min(hidden, ends.Length == 0 ? 0 : ends[^1]);
        End = end;
        StopSequence = stopSequence;
    }

    public AnswerEnd End { get; }

    /// <summary>Which stop sequence ended it.</summary>
    public string? StopSequence { get; }

    /// <summary>Tokens of the answer, at least 1 (an empty text costs one token as well).</summary>
    public int Tokens => Math.Max(1, _ends.Length);

    /// <summary>The whole text that a client sees, UTF-8.</summary>
    public ReadOnlySpan<byte> Text => Generated[_hidden..];

    /// <summary>What the model wrote: <see cref="Text"/>, and before it the marks of a tool call.</summary>
    public ReadOnlySpan<byte> Generated => _text.AsSpan(0, _ends.Length == 0 ? 0 : _ends[^1]);

    /// <summary>
    /// The visible text of the tokens from <paramref name="from"/> up to <paramref name="to"/>, not included.
    /// </summary>
    public ReadOnlySpan<byte> Slice(int from, int to)
    {
        to = Math.Min(to, _ends.Length);
        if (from >= to || _ends[to - 1] <= _hidden)
        {
            return [];
        }

        return _text.AsSpan(Math.Max(_hidden, from == 0 ? 0 : _ends[from - 1])..(_ends[to - 1]));
    }

    /// <summary>A text that says that it is simulated, and by what, and goes on in words that mean nothing.</summary>
    public static PlannedAnswer Words(string profile, ulong seed, AnswerLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        var rng = new Rng(seed);
        var natural = NaturalTokensMin + rng.NextInt32(NaturalTokensMax - NaturalTokensMin + 1);
        var wanted = limits.IgnoreEnd ? limits.TokensMax : Math.Max(natural, limits.TokensMin);
        var tokens = Math.Max(1, Math.Min(wanted, limits.TokensMax));
        var text = Write(profile, tokens, ref rng);
        string? stop = null;
        foreach (var candidate in limits.StopSequences ?? [])
        {
            var at = candidate.Length == 0 ? -1 : text.IndexOf(candidate, StringComparison.Ordinal);
            if (at >= 0)
            {
                text = text[..at];
                stop = candidate;
            }
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        var ends = TextTokens.Ends(bytes);
        if (ends.Length > tokens)
        {
            return new PlannedAnswer(bytes, ends[..tokens], LengthOrNatural(limits, wanted), null);
        }

        var end = stop is null ? LengthOrNatural(limits, wanted) : AnswerEnd.StopSequence;
        return new PlannedAnswer(bytes, ends, end, stop);
    }

    /// <summary>A tool call, cut where it is longer than allowed.</summary>
    /// <param name="opening">What the model writes to call a tool; it costs tokens and is no part of the text.</param>
    /// <param name="arguments">The arguments, which are the text.</param>
    /// <param name="tokensMax">Tokens of both at most.</param>
    public static PlannedAnswer ToolCall(ReadOnlySpan<byte> opening, ReadOnlySpan<byte> arguments, int tokensMax)
    {
        byte[] text = [.. opening, .. arguments];
        var ends = TextTokens.Ends(text);
        return ends.Length > tokensMax
            ? new PlannedAnswer(text, ends[..Math.Max(1, tokensMax)], AnswerEnd.Length, null, opening.Length)
            : new PlannedAnswer(text, ends, AnswerEnd.ToolCall, null, opening.Length);
    }

    private static AnswerEnd LengthOrNatural(AnswerLimits limits, int wanted) =>
        limits.IgnoreEnd || wanted > limits.TokensMax ? AnswerEnd.Length : AnswerEnd.Natural;

    private static string Write(string profile, int tokens, ref Rng rng)
    {
        var text = new StringBuilder($"(simulated by penstock engine, profile {profile})");

        // The opening is worth more than one token, so this many pieces are enough.
        var words = 0;
        var sentence = 4 + rng.NextInt32(8);
        for (var piece = 0; piece < tokens; piece++)
        {
            if (words == sentence)
            {
                text.Append('.');
                words = 0;
                sentence = 4 + rng.NextInt32(8);
                continue;
            }

            text.Append(' ');
            AppendWord(text, capital: words == 0, ref rng);
            words++;
        }

        return text.ToString();
    }

    /// <summary>Two or four letters: with its space a word is one token.</summary>
    private static void AppendWord(StringBuilder text, bool capital, ref Rng rng)
    {
        const string Consonants = "bdfgklmnprstvz";
        const string Vowels = "aeiou";
        var syllables = 1 + rng.NextInt32(2);
        for (var i = 0; i < syllables; i++)
        {
            var consonant = Consonants[rng.NextInt32(Consonants.Length)];
            text.Append(capital && i == 0 ? char.ToUpperInvariant(consonant) : consonant);
            text.Append(Vowels[rng.NextInt32(Vowels.Length)]);
        }
    }
}
