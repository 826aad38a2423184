using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Penstock.Core.Outcomes;

namespace Penstock.Gateway.Requests;

/// <summary>Request bodies with a <c>content-encoding</c>: decoded here, within the limit, and sent on plain.</summary>
internal static class DecodedBody
{
    private const int Step = 64 * 1024;

    public static bool IsNeeded(HttpRequest request) =>
        request.Headers.ContentEncoding.Count > 0
        && !string.Equals(request.Headers.ContentEncoding, "identity", StringComparison.OrdinalIgnoreCase);

    public static async Task<Failure?> ReadAsync(Exchange x, long limit)
    {
        var encoding = x.Http.Request.Headers.ContentEncoding.ToString().Trim().ToLowerInvariant();
        var source = x.Http.Request.Body;
        await using Stream? decoder = encoding switch
        {
            "gzip" or "x-gzip" => new GZipStream(source, CompressionMode.Decompress, leaveOpen: true),
            "deflate" => new ZLibStream(source, CompressionMode.Decompress, leaveOpen: true),
            "br" => new BrotliStream(source, CompressionMode.Decompress, leaveOpen: true),
            _ => null,
        };
        if (decoder is null)
        {
            return new Failure(
                FailureKind.InvalidRequest, $"content-encoding: {encoding} is not supported; use gzip, deflate or br",
                Code: "request_body_encoding_unsupported");
        }

        try
        {
            return await CopyAsync(decoder, x, limit);
        }
        catch (Exception e) when (e is InvalidDataException || (e is InvalidOperationException && encoding == "br"))
        {
            // The Brotli decoder has an exception of its own for bad data.
            return new Failure(
                FailureKind.InvalidRequest, $"content-encoding: the body is not valid {encoding}",
                Code: "request_body_encoding_invalid");
        }
    }

    private static async Task<Failure?> CopyAsync(Stream decoder, Exchange x, long limit)
    {
        while (true)
        {
            var read = await decoder.ReadAsync(x.Body.GetMemory(Step), x.Http.RequestAborted);
            if (read == 0)
            {
                return BodyReading.Finish(x);
            }

            x.Body.Advance(read);
            if (x.Body.Length > limit)
            {
                return BodyReading.TooLarge(limit) with { Code = "request_body_too_large_after_decoding" };
            }
        }
    }
}
