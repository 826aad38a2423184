using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Penstock.Cli.Engine.Answers;
using Penstock.Cli.Engine.Calls;
using Penstock.Simulator.Faults;
using Penstock.Simulator.Replicas;
using Penstock.Simulator.Texts;

namespace Penstock.Cli.Engine;

/// <summary>
/// Runs one request from submission to its last byte. Whatever way it ends, it leaves the engine: a client that goes
/// away frees its memory at once.
/// </summary>
internal sealed class AnswerRun(SimulatedEngine engine, HttpContext http, InferenceCall call, IAnswerFormat format)
{
    /// <summary>Returns the refusal where the request never got into the engine.</summary>
    public async Task<EngineError?> RunAsync()
    {
        if (engine.Refuse(call) is { } refused)
        {
            return refused;
        }

        var answer = engine.Plan(call);
        var fate = engine.DrawFate(answer);
        if (fate.Fails)
        {
            return new EngineError(500, "InternalServerError", "simulated engine error");
        }

        var verdict = engine.Submit(call, answer, out var feed);
        if (verdict != SubmitVerdict.Accepted)
        {
            return new EngineError(503, "ServiceUnavailableError", $"simulated engine: {verdict}");
        }

        try
        {
            var head = Head(answer);
            await (call.Stream ? StreamAsync(head, feed, fate) : WholeAsync(head, feed, fate));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; nobody is left to be told.
        }
        finally
        {
            engine.Cancel(feed);
        }

        return null;
    }

    private async Task StreamAsync(AnswerHead head, AnswerFeed feed, RequestFate fate)
    {
        http.Response.ContentType = "text/event-stream; charset=utf-8";
        http.Response.Headers.CacheControl = "no-cache";
        await http.Response.StartAsync(http.RequestAborted);
        using var output = new AnswerOutput(http.Response.BodyWriter);
        var total = head.Answer.Tokens;
        for (var sent = 0; sent < total;)
        {
            if (fate.DiesAfter == sent)
            {
                await CutAsync();
                return;
            }

            await StallAsync(fate.StallsAfter == sent);
            var enough = sent == 0 ? 1 : Math.Min(sent + engine.Options.StreamInterval, total);
            var ready = await feed.MoreThanAsync(enough - 1, http.RequestAborted);
            if (ready == AnswerFeed.Lost)
            {
                await CutAsync();
                return;
            }

            head.CachedTokens = feed.CachedTokens;
            sent = Write(head, sent, NextHalt(fate, sent, ready), output);
            if (sent == total && fate.DiesAfter != total)
            {
                format.End(head, output);
            }

            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        }

        if (fate.DiesAfter == total)
        {
            await CutAsync();
        }
    }

    private async Task WholeAsync(AnswerHead head, AnswerFeed feed, RequestFate fate)
    {
        await StallAsync(fate.StallsAfter is not null);
        var last = Math.Min(head.Answer.Tokens, fate.DiesAfter ?? int.MaxValue);
        var ready = await feed.MoreThanAsync(last - 1, http.RequestAborted);
        if (ready == AnswerFeed.Lost || fate.DiesAfter <= head.Answer.Tokens)
        {
            http.Abort();
            return;
        }

        head.CachedTokens = feed.CachedTokens;
        http.Response.ContentType = "application/json";
        using var output = new AnswerOutput(http.Response.BodyWriter);
        format.Whole(head, output);
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }

    /// <summary>
    /// One event for each stream interval (a token, unless said otherwise), as many as are there in one write.
    /// </summary>
    private int Write(AnswerHead head, int from, int to, AnswerOutput output)
    {
        if (from == 0)
        {
            format.Start(head, output);
        }

        for (int token = from, next; token < to; token = next)
        {
            next = token == 0 ? 1 : Math.Min(token + engine.Options.StreamInterval, to);
            var text = head.Answer.Slice(token, next);
            if (!text.IsEmpty)
            {
                format.Delta(head, text, output);
            }
        }

        return to;
    }

    /// <summary>How far to write before the next fault is due.</summary>
    private static int NextHalt(RequestFate fate, int sent, int ready)
    {
        var halt = fate.DiesAfter > sent ? Math.Min(ready, fate.DiesAfter.Value) : ready;
        return fate.StallsAfter > sent ? Math.Min(halt, fate.StallsAfter.Value) : halt;
    }

    /// <summary>
    /// Ends the connection in the middle of the body. What was written still arrives: an abort would take it back.
    /// </summary>
    private ValueTask CutAsync() =>
        http.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport.Output.CompleteAsync();

    private Task StallAsync(bool stalls) => stalls
        ? Task.Delay(TimeSpan.FromSeconds(engine.Faults.StallSeconds), engine.Time, http.RequestAborted)
        : Task.CompletedTask;

    private AnswerHead Head(PlannedAnswer answer) => new()
    {
        Id = engine.NextAnswerId(),
        Model = call.Model ?? engine.Options.Models[0],
        Created = engine.Time.GetUtcNow().ToUnixTimeSeconds(),
        PromptTokens = call.Prompt.Count,
        IncludeUsage = call.IncludeUsage,
        Tool = call.Tool,
        TellsTimings = engine.Kind.TellsTimings,
        Answer = answer,
    };
}
