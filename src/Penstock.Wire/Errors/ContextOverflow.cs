using System.Globalization;
using System.Text.RegularExpressions;

namespace Penstock.Wire.Errors;

/// <summary>
/// A request that does not fit the context window, found in an engine's own words (vLLM, SGLang, llama.cpp, OpenAI).
/// Claude Code compacts, or asks for less output, when it reads the first-party wording: Anthropic clients get that.
/// </summary>
/// <param name="Prompt">Tokens of the prompt; null where the engine did not say.</param>
/// <param name="Output">Tokens of output asked for; null where the engine did not say.</param>
/// <param name="Window">Tokens of the window; null where the engine did not say.</param>
internal sealed partial record ContextOverflow(long? Prompt, long? Output, long? Window)
{
    /// <summary>The wording of the Anthropic API.</summary>
    public string AnthropicMessage => this switch
    {
        { Prompt: { } prompt, Window: { } window } when prompt > window =>
            string.Create(CultureInfo.InvariantCulture, $"prompt is too long: {prompt} tokens > {window} maximum"),
        { Prompt: { } prompt, Output: { } output, Window: { } window } => string.Create(
            CultureInfo.InvariantCulture,
            $"input length and `max_tokens` exceed context limit: {prompt} + {output} > {window}, "
            + $"decrease input length or `max_tokens` and try again"),
        _ => "prompt is too long",
    };

    /// <summary>The overflow that the engine reports, or null where it reports something else.</summary>
    public static ContextOverflow? Find(string message, string type)
    {
        var window = First(WindowPattern().Match(message));
        if (window is null && type != "exceed_context_size_error" && !VaguePattern().IsMatch(message))
        {
            return null;
        }

        return new ContextOverflow(
            First(PromptPattern().Match(message)), First(OutputPattern().Match(message)), window);
    }

    private static long? First(Match match)
    {
        for (var i = 1; i < match.Groups.Count; i++)
        {
            if (match.Groups[i].Success)
            {
                return long.Parse(match.Groups[i].ValueSpan, CultureInfo.InvariantCulture);
            }
        }

        return null;
    }

    [GeneratedRegex(@"context (?:length|size|window)(?: is| of)?(?: only)? \(?(\d{1,12})|tokens > (\d{1,12}) maximum")]
    private static partial Regex WindowPattern();

    [GeneratedRegex(
        @"(\d{1,12}) input tokens|(\d{1,12}) in the messages|(\d{1,12}) tokens from the input"
        + @"|(?:input|request|prompt) \((\d{1,12}) tokens|prompt is too long: (\d{1,12})",
        RegexOptions.IgnoreCase)]
    private static partial Regex PromptPattern();

    [GeneratedRegex(
        @"too large: (\d{1,12})|(\d{1,12}) in the completion|(\d{1,12}) tokens for the completion"
        + @"|requested (\d{1,12}) output")]
    private static partial Regex OutputPattern();

    [GeneratedRegex(
        "maximum context length|available context size|prompt is too long|input is too long|longer than the model's",
        RegexOptions.IgnoreCase)]
    private static partial Regex VaguePattern();
}
