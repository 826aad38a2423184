using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>What a pool learned of the lengths of prompts: those that engines counted, and the ratio for the rest.
/// </summary>
internal sealed class LengthLearning
{
    /// <summary>Tokens from which on a length says something about the ratio.</summary>
    private const int LearnedFrom = 32;

    private const double Newest = 0.05;
    private const double RatioMin = 0.5;
    private const double RatioMax = 16;

    private readonly PrefixKeying _keying;
    private readonly PromptLengths _lengths;

    public LengthLearning(PrefixKeying keying)
    {
        _keying = keying;
        _lengths = new PromptLengths(Known);
        UnitsPerToken = keying.AreTokens ? 1 : 4;
    }

    public KnownLengths Known { get; } = new();

    public double UnitsPerToken { get; private set; }

    /// <summary>The lengths of a prompt, good until the next call.</summary>
    public PromptLengths Read(in PromptPrefix prompt)
    {
        _lengths.Read(in prompt, UnitsPerToken, _keying.BlockLength);
        return _lengths;
    }

    /// <summary>The prompt that was read last had that many tokens, and was answered with so many.</summary>
    public void Learn(in PromptPrefix prompt, long tokens, long output)
    {
        // What was counted before says nothing new: the ratio is learned from what came after it.
        var (end, counted) = _lengths.LastCounted;
        if (!_keying.AreTokens && tokens - counted >= LearnedFrom && prompt.Length > end)
        {
            var ratio = Math.Clamp((prompt.Length - end) / (double)(tokens - counted), RatioMin, RatioMax);
            UnitsPerToken += Newest * (ratio - UnitsPerToken);
        }

        if (!prompt.Marks.IsEmpty)
        {
            Known.LearnEnd(prompt.Marks[^1].Hash, tokens, output);
        }
    }

    public void Save(StateWriter to)
    {
        to.Write(UnitsPerToken);
        Known.Save(to);
    }

    public void Load(ref StateReader from)
    {
        UnitsPerToken = from.Read<double>();
        Known.Load(ref from);
    }
}
