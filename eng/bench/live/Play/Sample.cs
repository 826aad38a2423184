namespace Penstock.LiveBench.Play;

/// <summary>One request as the client saw it. Times in virtual seconds.</summary>
/// <param name="SentAt">Since the start of the run.</param>
/// <param name="FirstText">From sending to the first text of the answer.</param>
/// <param name="Whole">From sending to the end of the answer.</param>
/// <param name="PerToken">Time of a token after the first; 0 where there was one token only.</param>
/// <param name="Decision">Under which id the gateway explains itself.</param>
internal readonly record struct Sample(
    double SentAt, double FirstText, double Whole, double PerToken, AnswerTokens Tokens, string? Decision);

/// <summary>What the engine counted.</summary>
internal readonly record struct AnswerTokens(int Prompt, int Cached, int Output);
