using System.Buffers;
using System.Globalization;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Engines;
using Penstock.Engines.Http;
using Penstock.Gateway.Ledger;
using Penstock.Wire.Errors;

namespace Penstock.Gateway.Requests.Relaying;

/// <summary>
/// What becomes of an engine's error. One that is the client's own fault goes to it byte for byte where the engine
/// speaks its dialect: clients match the wording. What concerns the gateway (its credentials, a full engine, a broken
/// one) is tried elsewhere, and told in the gateway's own words where that does not help.
/// </summary>
internal sealed class RefusalRelay(Settlement settlement, TimeProvider time)
{
    private const int BodyBytesMax = 1024 * 1024;

    public async Task<AttemptFailure?> RelayAsync(
        Exchange x, UpstreamAnswer answer, EngineIdentity identity, Dialect dialect)
    {
        await ReadAsync(x, answer);
        var status = answer.Status;
        var verdict = identity.Adapter.Classify(status, x.Answer.Span);
        var failure = EngineError.Read(status, x.Answer.Span, x.Dialect);
        var blamed = EngineFailures.From(x, verdict, failure.Message);
        settlement.Close(
            x, verdict.Kind is FailureKind.EngineFailed or FailureKind.EngineTimeout
                ? AttemptOutcome.EngineFailed
                : AttemptOutcome.RefusedByEngine);
        if (verdict.RelayBody && dialect == x.Dialect && !x.Http.Response.HasStarted)
        {
            Reply.Begin(x, answer, time, contentType: null);
            await Reply.WriteWholeAsync(x, x.Answer.Memory);
            return blamed with { Relayed = true, Elsewhere = false };
        }

        return blamed with
        {
            Failure = verdict.RelayBody
                ? failure
                : blamed.Failure with { RetryAfter = RetryAfterOf(answer) ?? DefaultRetry(verdict) },
        };
    }

    private static TimeSpan? RetryAfterOf(UpstreamAnswer answer) =>
        int.TryParse(answer.FindHeader("retry-after"), CultureInfo.InvariantCulture, out var seconds) && seconds >= 0
            ? TimeSpan.FromSeconds(seconds)
            : null;

    private static TimeSpan? DefaultRetry(EngineVerdict verdict) =>
        verdict.Kind == FailureKind.Overloaded ? TimeSpan.FromSeconds(1) : null;

    /// <summary>As much of the body as an error may have; one that breaks off is taken as far as it came.</summary>
    private static async Task ReadAsync(Exchange x, UpstreamAnswer answer)
    {
        x.Answer.Dispose();
        try
        {
            while (x.Answer.Length < BodyBytesMax && await answer.ReadAsync() is { IsEmpty: false } bytes)
            {
                x.Answer.Write(bytes.Span);
            }
        }
        catch (Exception e) when (e is UpstreamException or OperationCanceledException)
        {
            if (x.ClientGone)
            {
                throw;
            }
        }
    }
}
