using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Gateway.Requests;

/// <summary>Bodies from one dialect to the other, into the exchange's translation buffer.</summary>
internal static class Translation
{
    private const string NewestVersion = "2026-10-21";

    /// <summary>The engine's body for the client's; null: it is there, else why not.</summary>
    public static Failure? Request(Exchange x, Dialect engine, string engineModel)
    {
        x.Translated.Dispose();
        return DialectPair.Of(x.Dialect, engine)
            .TranslateRequest(x.Body.Memory, Settings(x, engineModel), x.Translated, out _);
    }

    /// <summary>The client's body for the engine's answer; null: it is there, else why not.</summary>
    public static Failure? Response(Exchange x, Dialect engine)
    {
        x.Translated.Dispose();
        return DialectPair.Of(x.Dialect, engine)
            .TranslateResponse(x.Answer.Memory, Settings(x, null), x.Translated, out _);
    }

    /// <summary>The client's stream out of the engine's.</summary>
    public static StreamTranslation Stream(Exchange x, Dialect engine) =>
        DialectPair.Of(x.Dialect, engine).Stream(Settings(x, null));

    private static TranslationSettings Settings(Exchange x, string? engineModel) => new()
    {
        EngineModel = engineModel,
        ClientModel = x.Scan.Model,
        AnswerId = x.Id.ToString("n"),
        CreatedUnixSeconds = x.StartedUtc.ToUnixTimeSeconds(),
        DefaultMaxTokens = x.Model.MaxOutputTokens ?? 4096,
        IncludeUsage = x.Scan.WantsUsage,
        InputTokensEstimate = x.Attempt.Decision.PromptTokens,
        SamplingToAnthropic = x.Http.Request.Headers["anthropic-version"] != NewestVersion,
        ReasoningContent = true,
        EngineExtensions = x.Attempt.Replica.Identity?.Adapter.Name is "vllm" or "sglang" or "llamacpp",
    };
}
