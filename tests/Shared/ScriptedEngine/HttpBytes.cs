using System.Globalization;
using System.Text;

namespace Penstock.Tests.Shared;

/// <summary>The bytes of HTTP/1.1 answers. Extra headers are whole lines, each ended by CRLF.</summary>
internal static class HttpBytes
{
    public static byte[] LastChunk { get; } = "0\r\n\r\n"u8.ToArray();

    public static byte[] Response(int status, string body, string contentType, string headers = "") =>
        Response(status, Encoding.UTF8.GetBytes(body), contentType, headers);

    public static byte[] Response(int status, byte[] body, string contentType, string headers = "")
    {
        var type = body.Length == 0 ? "" : $"content-type: {contentType}\r\n";
        var length = body.Length.ToString(CultureInfo.InvariantCulture);
        var head = $"HTTP/1.1 {status} {Phrase(status)}\r\n{type}content-length: {length}\r\n{headers}\r\n";
        return [.. Ascii(head), .. body];
    }

    public static byte[] ChunkedHead(int status, string contentType, string headers = "") => Ascii(
        $"HTTP/1.1 {status} {Phrase(status)}\r\ncontent-type: {contentType}\r\n"
        + $"transfer-encoding: chunked\r\n{headers}\r\n");

    public static byte[] Chunk(byte[] content) =>
        [.. Ascii(content.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n"), .. content, .. "\r\n"u8];

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    private static string Phrase(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    };
}
