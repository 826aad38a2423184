using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Threading.Channels;

namespace Penstock.Tests.Shared;

/// <summary>
/// Reads HTTP/1.1 requests from the pieces that the connection's pump puts into a channel, and keeps every byte.
/// </summary>
internal sealed class RequestReader(ChannelReader<byte[]> pieces)
{
    private const int HeadBytesMax = 1 << 20;

    private byte[] _piece = [];
    private int _at;

    /// <summary>The bytes up to the empty line; null: the peer went away before one was complete.</summary>
    public async ValueTask<byte[]?> ReadHeadAsync(CancellationToken cancel)
    {
        var head = new List<byte>(1024);
        while (!EndsHead(head))
        {
            if (head.Count > HeadBytesMax || await NextByteAsync(cancel) is not { } next)
            {
                return null;
            }

            head.Add(next);
        }

        return [.. head];
    }

    /// <summary>Fills in the body of <paramref name="request"/>.</summary>
    public async ValueTask ReadBodyAsync(ReceivedRequest request, CancellationToken cancel)
    {
        var raw = new List<byte>();
        var body = new List<byte>();
        var whole = "chunked".Equals(request.Header("transfer-encoding"), StringComparison.OrdinalIgnoreCase)
            ? await ReadChunksAsync(raw, body, cancel)
            : await ReadExactlyAsync(LengthOf(request), body, cancel);
        request.Body = [.. body];
        request.RawBody = raw.Count > 0 ? [.. raw] : request.Body;
        request.BodyTruncated = !whole;
    }

    /// <summary>The header lines of a head.</summary>
    public static ImmutableArray<KeyValuePair<string, string>> HeadersOf(byte[] head) =>
    [
        .. Encoding.Latin1.GetString(head).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(line => line.Split(':', 2))
            .Select(parts => KeyValuePair.Create(parts[0], parts.Length > 1 ? parts[1].Trim() : "")),
    ];

    private static bool EndsHead(List<byte> head) => head.Count >= 4
        && head[^4] == '\r' && head[^3] == '\n' && head[^2] == '\r' && head[^1] == '\n';

    private static int LengthOf(ReceivedRequest request) =>
        int.TryParse(request.Header("content-length"), NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            ? length
            : 0;

    private async ValueTask<bool> ReadExactlyAsync(int length, List<byte> into, CancellationToken cancel)
    {
        while (length > 0)
        {
            if (!await HaveBytesAsync(cancel))
            {
                return false;
            }

            var take = Math.Min(length, _piece.Length - _at);
            into.AddRange(_piece.AsSpan(_at, take));
            _at += take;
            length -= take;
        }

        return true;
    }

    private async ValueTask<bool> ReadChunksAsync(List<byte> raw, List<byte> body, CancellationToken cancel)
    {
        while (true)
        {
            if (await ReadLineAsync(raw, cancel) is not { } line)
            {
                return false;
            }

            var size = int.Parse(line.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var content = new List<byte>(size);
            var whole = await ReadExactlyAsync(size, content, cancel);
            raw.AddRange(content);
            body.AddRange(content);
            if (!whole || await ReadLineAsync(raw, cancel) is null)
            {
                return false;
            }

            if (size == 0)
            {
                return true;
            }
        }
    }

    private async ValueTask<string?> ReadLineAsync(List<byte> raw, CancellationToken cancel)
    {
        var line = new StringBuilder();
        while (await NextByteAsync(cancel) is { } next)
        {
            raw.Add(next);
            if (next == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append((char)next);
        }

        return null;
    }

    private async ValueTask<byte?> NextByteAsync(CancellationToken cancel) =>
        await HaveBytesAsync(cancel) ? _piece[_at++] : null;

    private async ValueTask<bool> HaveBytesAsync(CancellationToken cancel)
    {
        while (_at == _piece.Length)
        {
            if (!await pieces.WaitToReadAsync(cancel) || !pieces.TryRead(out var piece))
            {
                return false;
            }

            (_piece, _at) = (piece, 0);
        }

        return true;
    }
}
