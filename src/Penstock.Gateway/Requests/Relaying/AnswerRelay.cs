using System.Buffers;
using Penstock.Core.Metering;
using Penstock.Engines;
using Penstock.Engines.Http;
using Penstock.Gateway.Ledger;
using Penstock.Wire.Usage;

namespace Penstock.Gateway.Requests.Relaying;

/// <summary>
/// Relays an answer that is one document. It is held until it is whole, which costs nothing (the client can do nothing
/// with a part of it) and lets another replica be tried where the engine breaks off in it, and the usage be settled
/// before a byte leaves.
/// </summary>
internal sealed class AnswerRelay(Settlement settlement, TimeProvider time)
{
    /// <summary>A longer answer is not believed.</summary>
    public const int AnswerBytesMax = 256 * 1024 * 1024;

    public async Task<AttemptFailure?> RelayAsync(Exchange x, UpstreamAnswer answer, PreparedRequest prepared)
    {
        if (await ReadAsync(x, answer) is { } verdict)
        {
            settlement.Close(
                x, verdict == EngineVerdict.Silent ? AttemptOutcome.EngineTimeout : AttemptOutcome.EngineFailed);
            return EngineFailures.From(x, verdict, "the engine broke off in its answer");
        }

        if (x.Http.Response.HasStarted)
        {
            settlement.Close(x, AttemptOutcome.EngineFailed);
            return EngineFailures.From(x, EngineVerdict.Broken, "the engine answered a stream with a document");
        }

        x.AllowAnything();
        x.Attempt.FirstByteAt = time.GetTimestamp();
        x.Attempt.ResponseBytes = x.Answer.Length;
        var usage = default(TokenUsage);
        var countsCached = false;
        x.Attempt.UsageKnown = UsageReader.TryRead(prepared.Dialect, x.Answer.Span, ref usage, ref countsCached);
        x.Attempt.CachedKnown = countsCached;
        x.Attempt.Usage = usage;
        var translated = prepared.Dialect != x.Dialect && x.Operation == Operation.Generate;
        if (translated && Translation.Response(x, prepared.Dialect) is { } failure)
        {
            settlement.Close(x, AttemptOutcome.EngineFailed);
            return new AttemptFailure(failure);
        }

        settlement.Close(x, AttemptOutcome.Completed);
        Reply.Begin(x, answer, time, translated ? "application/json" : null);
        await Reply.WriteWholeAsync(x, translated ? x.Translated.Memory : x.Answer.Memory);
        return null;
    }

    /// <summary>Reads the whole answer; null: it is there.</summary>
    private static async Task<EngineVerdict?> ReadAsync(Exchange x, UpstreamAnswer answer)
    {
        x.Answer.Dispose();
        if (answer.ContentLength > 0)
        {
            x.Answer.Reserve((int)Math.Min(answer.ContentLength, BodyBuffer.BelievedMax));
        }

        try
        {
            while (await answer.ReadAsync() is { IsEmpty: false } bytes)
            {
                x.Answer.Write(bytes.Span);
                if (x.Answer.Length > AnswerBytesMax)
                {
                    return EngineVerdict.Broken;
                }
            }

            return null;
        }
        catch (UpstreamException)
        {
            return EngineVerdict.Broken;
        }
        catch (OperationCanceledException) when (x.Expired)
        {
            return EngineVerdict.Silent;
        }
    }
}
