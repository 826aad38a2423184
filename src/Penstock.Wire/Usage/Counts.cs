using Penstock.Core.Metering;

namespace Penstock.Wire.Usage;

/// <summary>The counts of one usage object, as far as it gives them, under the names of neither dialect.</summary>
internal struct Counts
{
    /// <summary>More tokens than any request can have; an engine that says more is not believed.</summary>
    public const long Max = 1L << 40;

    public long? Prompt;
    public long? Output;
    public long? Read;
    public long? Write;
    public long? Write5m;
    public long? Write1h;
    public long? Thinking;

    public readonly bool IsEmpty =>
        (Prompt ?? Output ?? Read ?? Write ?? Write5m ?? Write1h ?? Thinking) is null;

    /// <summary>Anthropic's counts are disjoint, and those of a stream's events add up: what is given replaces what
    /// was known.</summary>
    public readonly TokenUsage AfterAnthropic(TokenUsage known)
    {
        var usage = known with
        {
            Input = Prompt ?? known.Input,
            CacheRead = Read ?? known.CacheRead,
            Output = Output ?? known.Output,
            Thinking = Thinking ?? known.Thinking,
        };
        if (Write5m is not null || Write1h is not null)
        {
            return usage with { CacheWrite5m = Write5m ?? 0, CacheWrite1h = Write1h ?? 0 };
        }

        // The last event repeats the sum of the cache writes without the split that the first one gave.
        return Write is null || Write == usage.CacheWrite5m + usage.CacheWrite1h
            ? usage
            : usage with { CacheWrite5m = Write.Value, CacheWrite1h = 0 };
    }

    /// <summary>OpenAI's prompt count includes the cached ones. Each usage object is complete in itself.</summary>
    public readonly TokenUsage AsOpenAi()
    {
        var prompt = Prompt ?? 0;
        var read = Math.Min(Read ?? 0, prompt);
        var write = Math.Min(Write ?? 0, prompt - read);
        return new TokenUsage(prompt - read - write, write, 0, read, Output ?? 0, Thinking ?? 0);
    }
}
