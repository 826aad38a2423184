using Penstock.Gateway.Pools;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Observability;

/// <summary>The log line of a request: ids, names from the configuration, counts and times; never text of a prompt or
/// an answer, never a key.</summary>
internal static class RequestLine
{
    private const int LineBytesMax = 8 * 1024;

    /// <summary>Characters of a model name that the client made up.</summary>
    private const int RequestedModelCharsMax = 64;

    [ThreadStatic]
    private static byte[]? t_scratch;

    public static void Write(RequestLog log, Exchange x, in RequestEnd end)
    {
        var scratch = t_scratch ??= new byte[LineBytesMax];
        log.Write(scratch.AsSpan(0, Format(scratch, x, in end)));
    }

    /// <summary>Returns the line's length; 0 where it is too long.</summary>
    private static int Format(Span<byte> buffer, Exchange x, in RequestEnd end)
    {
        var line = new JsonLine(buffer);
        line.Time("\"time\":"u8, x.StartedUtc);
        line.Text("\"event\":"u8, "request");
        line.Text("\"request_id\":"u8, x.IdText);
        if (end.Record is { } decided)
        {
            line.Text("\"decision_id\":"u8, DecisionLog.Format(decided.Id));
        }

        if (x.Span is { } span)
        {
            line.Text("\"trace_id\":"u8, span.TraceId.ToHexString());
        }

        WriteWho(ref line, x);
        line.Text("\"dialect\":"u8, RequestEnd.NameOf(x.Dialect));
        if (x.Operation == Operation.CountTokens)
        {
            line.Text("\"operation\":"u8, GenAi.CountTokens);
        }

        if (x.Scan.Stream)
        {
            line.True("\"stream\":"u8);
        }

        line.Number("\"status\":"u8, end.Status);
        line.Text("\"outcome\":"u8, end.Outcome);
        line.Number("\"attempts\":"u8, x.Attempts);
        if (end.Record is { } record && x.Operation == Operation.Generate)
        {
            WriteUsage(ref line, record);
        }

        if (end.Record?.FirstByte is { } first && x.Scan.Stream)
        {
            line.Milliseconds("\"ttft_ms\":"u8, first);
        }

        line.Milliseconds("\"total_ms\":"u8, end.Total);
        line.Milliseconds("\"overhead_ms\":"u8, end.Overhead);
        line.Number("\"request_bytes\":"u8, x.Body.Length);
        line.Number("\"response_bytes\":"u8, x.Attempts > 0 ? x.Attempt.ResponseBytes : 0);
        return line.Finish();
    }

    private static void WriteWho(ref JsonLine line, Exchange x)
    {
        if (x.Key is { } key)
        {
            line.Text("\"key\":"u8, key.Id);
            line.Text("\"org\":"u8, key.Org);
        }

        if (x.Model is { } model)
        {
            line.Text("\"model\":"u8, model.Id);
        }

        if (x.Scan.Model is { Length: > 0 } asked && asked != x.Model?.Id)
        {
            line.Text(
                "\"requested_model\":"u8, asked.AsSpan(0, Math.Min(asked.Length, RequestedModelCharsMax)));
        }

        if (x.Attempts > 0)
        {
            line.Text("\"pool\":"u8, x.Attempt.Pool.Snapshot.Name);
            line.Text("\"replica\":"u8, x.Attempt.Replica.Name);
        }
    }

    private static void WriteUsage(ref JsonLine line, DecisionRecord record)
    {
        var usage = record.Usage;
        line.Number("\"prompt_tokens\":"u8, usage.Prompt);
        line.Number("\"cached_tokens\":"u8, usage.CacheRead);
        line.Number("\"output_tokens\":"u8, usage.Output);
        if (record.UsageIsEstimated)
        {
            line.True("\"estimated\":"u8);
        }

        if (record.Price is { } price)
        {
            line.Fixed("\"price_usd\":"u8, price.MicroUsd, 1_000_000);
        }
    }
}
