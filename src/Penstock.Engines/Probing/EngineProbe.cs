using System.Globalization;
using Penstock.Core.Replicas;

namespace Penstock.Engines.Probing;

/// <summary>What a probe came to: an identity, or the reason why there is none, in words for a person.</summary>
/// <param name="Identity">What was found; null: nothing that is known.</param>
/// <param name="Reason">Why nothing was found; null where something was.</param>
/// <param name="Signal">What the probe says about health.</param>
public sealed record ProbeResult(EngineIdentity? Identity, string? Reason, HealthSignal Signal)
{
    /// <summary>A page that was asked for and did not come, without which <see cref="Identity"/> may be wrong or lack
    /// something; null: all came.</summary>
    public string? Missing { get; init; }
}

/// <summary>Finds out what runs at an address.</summary>
public static class EngineProbe
{
    /// <summary>Asks like every kind of engine at once and believes the most particular one.</summary>
    /// <param name="client">Whose limits bound every single question.</param>
    /// <param name="endpoint">Where to ask.</param>
    /// <param name="engine">The name of an adapter, to ask like that one only; null or <c>auto</c>: all.</param>
    /// <param name="cancel">Gives up.</param>
    public static async Task<ProbeResult> IdentifyAsync(
        EngineClient client, EngineEndpoint endpoint, string? engine, CancellationToken cancel)
    {
        var adapters = engine is null or "auto" ? EngineRegistry.All
            : EngineRegistry.Find(engine) is { } one ? [one] : [];
        if (adapters.IsEmpty)
        {
            return new ProbeResult(null, $"there is no kind of engine named '{engine}'", HealthSignal.ProbeFailed);
        }

        var answers = new EngineAnswers(client, endpoint);
        var first = await answers.GetAsync(adapters[0], "/v1/models", cancel);
        if (first.End is AnswerEnd.ConnectFailed or AnswerEnd.TlsFailed)
        {
            return new ProbeResult(null, ReasonOf(first, endpoint), HealthSignal.ConnectFailed);
        }

        var found = await Task.WhenAll(adapters.Select(a => a.RecogniseAsync(answers, cancel)));
        var identity = found.FirstOrDefault(i => i is not null);
        if (identity is not null)
        {
            return new ProbeResult(identity, null, HealthSignal.ProbeSucceeded) { Missing = answers.Missing };
        }

        var silent = first.End == AnswerEnd.TimedOut;
        return new ProbeResult(
            null, ReasonOf(first, endpoint), silent ? HealthSignal.ProbeTimedOut : HealthSignal.ProbeFailed);
    }

    private static string ReasonOf(EngineAnswer answer, EngineEndpoint endpoint) => answer.End switch
    {
        AnswerEnd.ConnectFailed => $"nothing is listening at {endpoint} ({answer.Detail})",
        AnswerEnd.TlsFailed => $"{endpoint} is listening, but the TLS handshake failed ({answer.Detail})",
        AnswerEnd.TimedOut => $"{endpoint} is listening, but does not answer in time",
        AnswerEnd.Broken => $"{endpoint} answers, but not in whole HTTP ({answer.Detail})",
        _ when answer.Status is 401 or 403 => Says("answers, but refuses the key", answer, endpoint),
        _ when answer.Status == 503 => Says("answers, but is not ready", answer, endpoint),
        _ => Says("answers, but none of the known APIs", answer, endpoint),
    };

    private static string Says(string what, EngineAnswer answer, EngineEndpoint endpoint) =>
        string.Create(CultureInfo.InvariantCulture, $"{endpoint} {what} (status {answer.Status} to GET /v1/models)");
}
