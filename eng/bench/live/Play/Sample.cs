namespace Penstock.LiveBench.Play;

/// <summary>One request as the client saw it. Times in virtual seconds.</summary>
/// <param name="SentAt">Since the start of the run.</param>
/// <param name="FirstText">From sending to the first text of the answer.</param>
/// <param name="Whole">From sending to the end of the answer.</param>
/// <param name="PerToken">Time of a token after the first; 0 where there was one token only.</param>
/// <param name="KnownShare">Share of the prompt, up to its first new block, that any session sent before.</param>
/// <param name="Decision">Under which id the gateway explains itself.</param>
internal sealed record Sample(
    double SentAt, double FirstText, double Whole, double PerToken, double KnownShare, string? Decision)
{
    public required AnswerTokens Tokens { get; init; }
}

/// <summary>A request on its way: its timestamp, and <see cref="Sample.KnownShare"/>.</summary>
internal readonly record struct SentRequest(long At, double KnownShare);

/// <summary>What the engine counted.</summary>
internal readonly record struct AnswerTokens(int Prompt, int Cached, int Output);
