using System.Runtime.CompilerServices;
using Penstock.Engines;
using Penstock.Engines.Http;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Requests.Relaying;

/// <summary>
/// Relays an event stream as it comes: one read, one look, one write. The response begins with the first byte of the
/// engine's body, or with a ping where that is long in coming. Until the engine's first byte another replica can be
/// tried; after it what goes wrong is told inside the stream. The settlement is written before the last event leaves.
/// </summary>
internal sealed class StreamRelay(Settlement settlement, TimeProvider time)
{
    /// <summary>How long an engine may keep a response open after its last event.</summary>
    private static readonly TimeSpan Lingering = TimeSpan.FromSeconds(2);

    public async Task<AttemptFailure?> RelayAsync(Exchange x, UpstreamAnswer answer, PreparedRequest prepared)
    {
        using var filter = FilterFor(x, prepared);
        x.Tap.Start(prepared.Dialect);
        x.Answer.Dispose();
        Reply.Begin(x, answer, time, filter is TranslationFilter ? "text/event-stream; charset=utf-8" : null);
        x.LastWrite = time.GetTimestamp();
        x.MayPing = true;
        try
        {
            var broken = await CopyAsync(x, answer, filter);
            return broken is null || x.Tap.Finished ? null : await BreakAsync(x, broken.Value, filter);
        }
        catch (OperationCanceledException)
        {
            // The client left: what the engine did until then is booked.
            Note(x);
            throw;
        }
        finally
        {
            await EndPingsAsync(x);
        }
    }

    /// <summary>Copies until the stream ends; null: as it should.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<EngineVerdict?> CopyAsync(Exchange x, UpstreamAnswer answer, StreamFilter filter)
    {
        while (true)
        {
            ReadOnlyMemory<byte> bytes;
            try
            {
                bytes = await answer.ReadAsync();
            }
            catch (UpstreamException)
            {
                return EngineVerdict.Broken;
            }
            catch (OperationCanceledException) when (x.Expired)
            {
                return EngineVerdict.Silent;
            }

            if (bytes.IsEmpty)
            {
                return x.Tap.Finished || x.Tap.SawError ? null : EngineVerdict.Broken;
            }

            if (x.Attempt.FirstByteAt == 0)
            {
                NoteFirstByte(x);
                if (answer.IsRequestSent)
                {
                    x.ReleaseRequest();
                }
            }

            x.Touch(time.GetTimestamp());
            if (!await WriteAsync(x, bytes, filter))
            {
                Note(x);
                settlement.Close(x, AttemptOutcome.ClientGone);
                return null;
            }

            if (x.Tap.Finished)
            {
                x.Allow(Lingering, time.GetTimestamp(), time.TimestampFrequency);
            }
        }
    }

    private void NoteFirstByte(Exchange x)
    {
        var now = time.GetTimestamp();
        x.Attempt.FirstByteAt = now;
        x.Attempt.Pool.FirstToken(x.Attempt.Ticket);
        x.Allow(x.Attempt.Pool.Snapshot.Timeouts.BetweenBytes, now, time.TimestampFrequency);
    }

    /// <summary>Writes what the client is to get for these bytes; false where it is gone.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> WriteAsync(Exchange x, ReadOnlyMemory<byte> bytes, StreamFilter filter)
    {
        await x.Writing.WaitAsync();
        try
        {
            x.Tap.See(bytes.Span);
            x.Attempt.ResponseBytes += bytes.Length;
            if (x.Tap.Finished || x.Tap.SawError)
            {
                Note(x);
                x.MayPing = false;
                settlement.Close(x, x.Tap.Finished ? AttemptOutcome.Completed : AttemptOutcome.EngineFailed);
            }

            var writer = x.Http.Response.BodyWriter;
            filter.Push(bytes.Span, writer);
            if (x.Tap.Finished)
            {
                filter.Complete(writer);
            }

            var flushing = writer.FlushAsync();
            x.WaitsForClient = !flushing.IsCompleted;
            var flushed = await flushing;
            x.WaitsForClient = false;
            x.LastWrite = time.GetTimestamp();
            x.Touch(x.LastWrite);
            return !flushed.IsCompleted && !x.ClientGone;
        }
        finally
        {
            x.Writing.Release();
        }
    }

    /// <summary>The engine broke off. Before its first byte another replica may be tried; after it the client is told
    /// inside its stream.</summary>
    private async Task<AttemptFailure?> BreakAsync(Exchange x, EngineVerdict verdict, StreamFilter filter)
    {
        Note(x);
        await EndPingsAsync(x);
        var begun = x.Attempt.FirstByteAt != 0;
        var silent = verdict == EngineVerdict.Silent;
        settlement.Close(x, silent ? AttemptOutcome.EngineTimeout : AttemptOutcome.EngineFailed);
        var failure = EngineFailures.From(
            x, verdict, silent ? "the engine fell silent in its answer" : "the engine broke off in its answer");
        if (!begun)
        {
            return failure;
        }

        await x.Writing.WaitAsync();
        try
        {
            filter.Abort(failure.Failure, x.Http.Response.BodyWriter);
            await x.Http.Response.BodyWriter.FlushAsync();
        }
        finally
        {
            x.Writing.Release();
        }

        return failure with { Relayed = true };
    }

    /// <summary>Takes over what the stream told of usage.</summary>
    private static void Note(Exchange x)
    {
        x.Attempt.OutputSeen = x.Tap.Deltas;
        x.Attempt.Usage = x.Tap.Usage;
        x.Attempt.UsageKnown = x.Tap.UsageIsFinal;
        x.Attempt.CachedKnown = x.Tap.CountsCached;
    }

    private static async Task EndPingsAsync(Exchange x)
    {
        if (x.MayPing)
        {
            await x.Writing.WaitAsync();
            x.MayPing = false;
            x.Writing.Release();
        }
    }

    private static StreamFilter FilterFor(Exchange x, PreparedRequest prepared) =>
        prepared.Dialect != x.Dialect ? new TranslationFilter(Translation.Stream(x, prepared.Dialect))
        : prepared.DropUsageChunk ? new UsageChunkFilter()
        : new WholeEvents(x);
}
