using System.Text;
using Penstock.Bench.Wire;

namespace Penstock.Bench.Upstream;

/// <summary>Whole HTTP responses for everything that is not a stream.</summary>
internal static class ConstantAnswers
{
    private const string Json = "application/json";

    private static readonly byte[] Messages = Response("200 OK", Json, Answers.Messages);
    private static readonly byte[] Chat = Response("200 OK", Json, Answers.Chat);
    private static readonly byte[] Models = Response("200 OK", Json, Answers.Models);
    private static readonly byte[] Version = Response("200 OK", Json, Answers.Version);
    private static readonly byte[] Health = Response("200 OK", "text/plain", "");
    private static readonly byte[] Metrics = Response("200 OK", "text/plain; version=0.0.4", Answers.Metrics);
    private static readonly byte[] BadRequest = Response("400 Bad Request", Json, Answers.BadRequest);
    private static readonly byte[] NotFound = Response("404 Not Found", Json, Answers.NotFound);

    public static ReadOnlySpan<byte> For(ReadOnlySpan<byte> firstLine, int bodyLength)
    {
        var probe = bodyLength < Answers.ProbeBytesMax;
        if (firstLine.StartsWith("POST /v1/messages "u8) || firstLine.StartsWith("POST /v1/messages?"u8))
            return probe ? BadRequest : Messages;
        if (firstLine.StartsWith("POST /v1/chat/completions"u8))
            return probe ? BadRequest : Chat;
        if (firstLine.StartsWith("GET /v1/models "u8))
            return Models;
        if (firstLine.StartsWith("GET /version "u8))
            return Version;
        if (firstLine.StartsWith("GET /metrics "u8))
            return Metrics;
        return firstLine.StartsWith("GET /health "u8) ? Health : NotFound;
    }

    /// <summary>The metrics page as large as an engine's that has served for a while.</summary>
    public static byte[] FullMetrics { get; } = Response("200 OK", "text/plain", Answers.FullMetrics);

    private static byte[] Response(string status, string type, string body) => Encoding.UTF8.GetBytes(
        $"HTTP/1.1 {status}\r\ncontent-type: {type}\r\ncontent-length: {body.Length}\r\n\r\n{body}");
}
