namespace Penstock.Core.Metering;

/// <summary>
/// The tokens of one request, by the categories that have prices. All counts are tokens and disjoint but for
/// <see cref="Thinking"/>: the whole prompt is <see cref="Prompt"/>, the whole answer is <see cref="Output"/>.
/// </summary>
/// <param name="Input">Prompt tokens neither read from nor written to a cache.</param>
/// <param name="CacheWrite5m">Prompt tokens written to a cache with a life of 5 minutes.</param>
/// <param name="CacheWrite1h">Prompt tokens written to a cache with a life of an hour.</param>
/// <param name="CacheRead">Prompt tokens read from a cache.</param>
/// <param name="Output">Tokens of the answer, thinking included.</param>
/// <param name="Thinking">Those of <paramref name="Output"/> that were thinking, where the engine says so.</param>
public readonly record struct TokenUsage(
    long Input, long CacheWrite5m, long CacheWrite1h, long CacheRead, long Output, long Thinking = 0)
{
    /// <summary>More tokens than this in one category are not believed; no engine of today comes near.</summary>
    public const long CategoryMax = 10_000_000_000;

    /// <summary>All tokens of the prompt.</summary>
    public long Prompt => Input + CacheWrite5m + CacheWrite1h + CacheRead;

    /// <summary>Prompt and answer.</summary>
    public long Total => Prompt + Output;

    /// <summary>Every count brought into the range from 0 to <see cref="CategoryMax"/>.</summary>
    public TokenUsage Bounded() => new(
        Math.Clamp(Input, 0, CategoryMax),
        Math.Clamp(CacheWrite5m, 0, CategoryMax),
        Math.Clamp(CacheWrite1h, 0, CategoryMax),
        Math.Clamp(CacheRead, 0, CategoryMax),
        Math.Clamp(Output, 0, CategoryMax),
        Math.Clamp(Thinking, 0, CategoryMax));
}
