using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>What a pool learned of the lengths of prompts: those that engines counted, and the ratios for the rest.
/// </summary>
internal sealed class LengthLearning
{
    /// <summary>Tokens from which on a length says something about the ratio.</summary>
    private const int LearnedFrom = 32;

    private readonly PrefixKeying _keying;
    private readonly PromptLengths _lengths;
    private readonly KeyRatios _ratios = new();

    public LengthLearning(PrefixKeying keying)
    {
        _keying = keying;
        _lengths = new PromptLengths(Known);
    }

    public KnownLengths Known { get; } = new();

    /// <summary>Of keys of which nothing is known.</summary>
    public double UnitsPerToken => _keying.AreTokens ? 1 : _ratios.Usual;

    /// <summary>The lengths of a prompt of a key, good until the next call.</summary>
    public PromptLengths Read(in PromptPrefix prompt, ulong key)
    {
        _lengths.Read(in prompt, _keying.AreTokens ? 1 : _ratios.Of(key), _keying.BlockLength);
        return _lengths;
    }

    /// <summary>The prompt that was read last had that many tokens, and was answered with so many.</summary>
    public void Learn(in PromptPrefix prompt, ulong key, long tokens, long output)
    {
        // What was counted before says nothing new: the ratio is learned from what came after it.
        var (end, counted) = _lengths.LastCounted;
        if (!_keying.AreTokens && tokens - counted >= LearnedFrom && prompt.Length > end)
        {
            _ratios.Learn(key, (prompt.Length - end) / (double)(tokens - counted));
        }

        if (prompt.HasEnd)
        {
            Known.LearnEnd(prompt.Marks[^1].Hash, tokens, output);
        }
    }

    public void Save(StateWriter to)
    {
        _ratios.Save(to);
        Known.Save(to);
    }

    public void Load(ref StateReader from)
    {
        _ratios.Load(ref from);
        Known.Load(ref from);
    }
}
