using System.Buffers;
using Microsoft.AspNetCore.Http;
using Penstock.Core.Outcomes;
using Penstock.Wire.Scan;

namespace Penstock.Gateway.Requests;

/// <summary>
/// Reads a request's body into rented memory and scans it on the way, then hashes its prompt. A body that arrives in
/// small pieces is scanned in larger ones, so the work stays linear in its length.
/// </summary>
internal static class BodyReading
{
    private const int ScanStep = 16 * 1024;

    public static async Task<Failure?> ReadAsync(Exchange x)
    {
        var limit = x.Fleet.Limits.BodyBytesMax;
        var request = x.Http.Request;
        if (request.ContentLength > limit)
        {
            return TooLarge(limit);
        }

        if (request.ContentLength is > 0 and var length)
        {
            x.Body.Reserve((int)Math.Min(length, BodyBuffer.BelievedMax));
        }

        try
        {
            return DecodedBody.IsNeeded(request)
                ? await DecodedBody.ReadAsync(x, limit)
                : await ReadPlainAsync(x, limit);
        }
        catch (BadHttpRequestException e)
        {
            return e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? TooLarge(limit)
                : new Failure(FailureKind.InvalidRequest, $"the request body could not be read: {e.Message}");
        }
    }

    /// <summary>The body is complete: scans the rest and hashes the prompt.</summary>
    public static Failure? Finish(Exchange x)
    {
        if (x.Scan.Advance(x.Body.Span, isFinal: true) == ScanStatus.Failed)
        {
            return x.Scan.Failure;
        }

        x.Chain.Start(CacheScope.Of(x, x.ScopeSeed));
        x.Scan.FeedPrompt(x.Body.Span, x.Chain);
        return null;
    }

    public static Failure TooLarge(long limit) =>
        new(FailureKind.TooLarge, $"Request exceeds the maximum size of {limit} bytes");

    private static async Task<Failure?> ReadPlainAsync(Exchange x, long limit)
    {
        var reader = x.Http.Request.BodyReader;
        var scanned = 0;
        while (true)
        {
            var read = await reader.ReadAsync(x.Http.RequestAborted);
            if (x.Body.Length + read.Buffer.Length > limit)
            {
                reader.AdvanceTo(read.Buffer.End);
                return TooLarge(limit);
            }

            x.Body.Append(read.Buffer);
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return Finish(x);
            }

            if (x.Body.Length - scanned >= Math.Max(ScanStep, scanned / 8))
            {
                scanned = x.Body.Length;
                if (x.Scan.Advance(x.Body.Span, isFinal: false) == ScanStatus.Failed)
                {
                    return x.Scan.Failure;
                }
            }
        }
    }
}
