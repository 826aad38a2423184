using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>A client that sends exact bytes on one connection and reads answers one by one.</summary>
internal sealed class RawClient : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<byte> _unread = [];

    public RawClient(Uri url, int receiveBuffer = 0)
    {
        if (receiveBuffer > 0)
        {
            _socket.ReceiveBufferSize = receiveBuffer;
        }

        _socket.NoDelay = true;
        _socket.Connect(IPAddress.Loopback, url.Port);
    }

    /// <summary>The head of a POST with the test's key; further header lines end with CRLF each.</summary>
    public static string Head(string path, string headers) =>
        $"POST {path} HTTP/1.1\r\nhost: penstock\r\nx-api-key: {RunningGateway.Key}\r\n"
        + $"content-type: application/json\r\n{headers}\r\n";

    public static string Post(string path, string body, string headers = "") => Head(
        path, string.Create(CultureInfo.InvariantCulture, $"content-length: {Encoding.UTF8.GetByteCount(body)}\r\n")
            + headers) + body;

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(byte[] bytes)
    {
        for (var rest = bytes.AsMemory(); !rest.IsEmpty;)
        {
            rest = rest[await _socket.SendAsync(rest, RunningGateway.Guard)..];
        }
    }

    /// <summary>The next answer, framing taken off; status 0: the gateway closed the connection instead.</summary>
    public async Task<RawAnswer> ReadAnswerAsync()
    {
        var head = await ReadHeadAsync();
        if (head.Length == 0)
        {
            return new RawAnswer("", []);
        }

        var answer = new RawAnswer(head, []);
        return answer.Header("transfer-encoding") == "chunked"
            ? answer with { Body = await ReadChunksAsync() }
            : answer with
            {
                Body = await TakeAsync(int.Parse(
                    answer.Header("content-length") ?? "0", CultureInfo.InvariantCulture)),
            };
    }

    /// <summary>The head of the next answer; empty where the connection ends first.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await TakeAsync(1) is not [var next])
            {
                return "";
            }

            head.Append((char)next);
        }

        return head.ToString();
    }

    /// <summary>Reads and drops everything until the gateway ends the connection; the bytes read.</summary>
    public async Task<long> DrainAsync()
    {
        long total = _unread.Count;
        _unread.Clear();
        while (await FillAsync())
        {
            total += _unread.Count;
            _unread.Clear();
        }

        return total;
    }

    /// <summary>Cuts the connection with a TCP reset.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<byte[]> ReadChunksAsync()
    {
        List<byte> body = [];
        while (true)
        {
            var line = new StringBuilder();
            while (!line.ToString().EndsWith("\r\n", StringComparison.Ordinal))
            {
                if (await TakeAsync(1) is not [var next])
                {
                    return [.. body];
                }

                line.Append((char)next);
            }

            var size = int.Parse(line.ToString().TrimEnd(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.AddRange(await TakeAsync(size));
            await TakeAsync(2);
            if (size == 0)
            {
                return [.. body];
            }
        }
    }

    /// <summary>The next bytes as they come; fewer where the connection ends.</summary>
    public async Task<byte[]> TakeAsync(int count)
    {
        while (_unread.Count < count && await FillAsync())
        {
        }

        byte[] taken = [.. _unread.Take(count)];
        _unread.RemoveRange(0, taken.Length);
        return taken;
    }

    private async Task<bool> FillAsync()
    {
        var buffer = new byte[64 * 1024];
        try
        {
            var read = await _socket.ReceiveAsync(buffer, RunningGateway.Guard);
            _unread.AddRange(buffer.AsSpan(0, read));
            return read > 0;
        }
        catch (SocketException)
        {
            // Reset by the gateway: an end like any other.
            return false;
        }
    }
}

/// <summary>One answer as it came; the head in Latin-1.</summary>
internal sealed record RawAnswer(string Head, byte[] Body)
{
    public int Status => Head.Length == 0 ? 0 : int.Parse(Head.Split(' ')[1], CultureInfo.InvariantCulture);

    public string Text => Encoding.UTF8.GetString(Body);

    public string? Header(string name) => Head.Split("\r\n").Skip(1)
        .Select(line => line.Split(':', 2))
        .Where(parts => parts.Length == 2 && parts[0].Equals(name, StringComparison.OrdinalIgnoreCase))
        .Select(parts => parts[1].Trim())
        .FirstOrDefault();
}
