using System.Text.Encodings.Web;
using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Engines;
using Penstock.Engines.Http;
using Penstock.Gateway.Observability;
using Penstock.Wire.Scan;

namespace Penstock.Gateway.Requests;

/// <summary>A request that is ready to go to an engine.</summary>
/// <param name="Request">With its headers.</param>
/// <param name="Body">What follows them.</param>
/// <param name="Dialect">The dialect that it is in.</param>
/// <param name="DropUsageChunk">The usage chunk at the end of the stream was asked for by the gateway, not by the
/// client.</param>
internal sealed record PreparedRequest(
    UpstreamRequest Request, SplicedBody Body, Dialect Dialect, bool DropUsageChunk);

/// <summary>
/// Makes the request for an engine out of the client's. In the same dialect the body goes as it came, but for two
/// splices: the model's name where the engine knows it by another, and the wish for usage at the end of a stream where
/// an OpenAI client did not have it, without which the tokens could only be guessed.
/// </summary>
internal static class UpstreamRequests
{
    private const string RequestId = "x-request-id";

    private static readonly byte[] AskUsage = "\"stream_options\":{\"include_usage\":true},"u8.ToArray();
    private static readonly byte[] UsageMember = "\"include_usage\":true,"u8.ToArray();
    private static readonly byte[] OnlyUsageMember = "\"include_usage\":true"u8.ToArray();
    private static readonly byte[] UsageObject = "{\"include_usage\":true}"u8.ToArray();
    private static readonly byte[] True = "true"u8.ToArray();

    public static PreparedRequest? Prepare(
        Exchange x, EngineIdentity identity, Dialect dialect, out Failure? refusal)
    {
        var operation = x.Operation == Operation.CountTokens ? EngineOperation.CountTokens
            : dialect == Dialect.Anthropic ? EngineOperation.Messages
            : EngineOperation.ChatCompletions;
        var path = identity.Adapter.PathOf(operation, identity.Capabilities)!;
        refusal = null;
        SplicedBody body;
        var drop = false;
        if (dialect == x.Dialect)
        {
            body = Splice(x, out drop);
        }
        else
        {
            refusal = Translation.Request(x, dialect, ModelName(x));
            if (refusal is not null)
            {
                return null;
            }

            body = new SplicedBody(x.Translated.Memory);
        }

        x.Attempt.RequestBytes = body.Length;
        var request = x.Attempt.Replica.Client.Post(path);
        var headers = x.Http.Request.Headers;
        HeaderForwarding.ToEngine(headers, request, dialect == x.Dialect);
        if (identity.Adapter.Credential(x.Attempt.Replica.Endpoint.Key) is { } credential)
        {
            request.AddHeader(credential.Key, credential.Value);
        }

        foreach (var (name, value) in identity.Adapter.RequiredHeaders)
        {
            if (dialect != x.Dialect || !headers.ContainsKey(name))
            {
                request.AddHeader(name, value);
            }
        }

        // The engine's log then names the request as ours does.
        if (!headers.ContainsKey(RequestId))
        {
            request.AddHeader(RequestId, x.IdText);
        }

        TraceContext.Inject(x, request);
        return new PreparedRequest(request, body, dialect, drop);
    }

    /// <summary>The name under which the engine at hand serves the model.</summary>
    private static string ModelName(Exchange x) => x.Attempt.Pool.Snapshot.UpstreamModel ?? x.Model.Id;

    private static SplicedBody Splice(Exchange x, out bool dropUsage)
    {
        var body = new SplicedBody(x.Body.Memory);
        var model = ModelName(x);
        if (model != x.Scan.Model)
        {
            body.Replace(x.Scan.ModelRange, Quote(model));
        }

        dropUsage = x.Dialect == Dialect.OpenAiChat && x.Scan.Stream && !x.Scan.WantsUsage;
        if (dropUsage)
        {
            SpliceUsage(x, ref body);
        }

        return body;
    }

    private static void SpliceUsage(Exchange x, ref SplicedBody body)
    {
        var options = x.Scan.StreamOptions;
        if (x.Scan.IncludeUsage.IsPresent)
        {
            body.Replace(x.Scan.IncludeUsage, True);
        }
        else if (!options.IsPresent)
        {
            var inside = x.Body.Span.IndexOf((byte)'{') + 1;
            body.Replace(new ValueRange(inside, inside), AskUsage);
        }
        else if (x.Body.Span[options.Start] != (byte)'{')
        {
            body.Replace(options, UsageObject);
        }
        else
        {
            var isEmpty = x.Body.Span[(options.Start + 1)..(options.End - 1)].Trim(" \t\r\n"u8).IsEmpty;
            body.Replace(
                new ValueRange(options.Start + 1, options.Start + 1), isEmpty ? OnlyUsageMember : UsageMember);
        }
    }

    private static byte[] Quote(string model)
    {
        var encoded = JsonEncodedText.Encode(model, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        var quoted = new byte[encoded.EncodedUtf8Bytes.Length + 2];
        quoted[0] = quoted[^1] = (byte)'"';
        encoded.EncodedUtf8Bytes.CopyTo(quoted.AsSpan(1));
        return quoted;
    }
}
