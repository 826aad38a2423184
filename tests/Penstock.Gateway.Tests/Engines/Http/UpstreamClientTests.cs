using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Penstock.Engines.Http;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Engines.Http;

/// <summary>The client of engines on real sockets: what it sends, what it believes, which connections it uses again.
/// </summary>
public class UpstreamClientTests
{
    private const string Path = "/v1/messages";
    private const string Route = "POST /v1/messages";

    [Theory]
    [InlineData("a\r\nx-evil: 1")]
    [InlineData("a\tb\r\nx-evil: 1")]
    [InlineData("a\tb\nx-evil: 1")]
    public async Task A_header_value_that_would_begin_another_header_is_left_out(string value)
    {
        await using var engine = new ScriptedEngine().On(Route, Script.Reply(200, "{}"));
        using var client = Plain(engine);
        await AskAsync(client, ("x-name", value), ("x-tab", "a\tb"));
        var received = Assert.Single(engine.To(Route));
        Assert.Null(received.Header("x-evil"));
        Assert.Null(received.Header("x-name"));
        Assert.Equal("a\tb", received.Header("x-tab"));
    }

    /// <summary>Engines close idle connections after seconds, and one may do so just when it is used.</summary>
    [Fact]
    public async Task A_request_that_met_a_connection_closed_while_idle_goes_over_a_new_one()
    {
        await using var engine = new ScriptedEngine().On(Route, Script.Reply(200, "{}"));
        using var client = Plain(engine);
        Assert.Equal("{}", await AskAsync(client));
        engine.Once(Route, Script.Empty.Reset());
        Assert.Equal("{}", await AskAsync(client));
        engine.Once(Route, Script.Empty.Close());
        Assert.Equal("{}", await AskAsync(client));
        Assert.Equal([1, 1, 2, 2, 3], engine.To(Route).Select(r => r.Connection));
        Assert.All(engine.To(Route), r => Assert.Equal("2", r.Header("content-length")));
    }

    [Fact]
    public async Task An_engine_that_closes_a_new_connection_without_a_word_is_not_asked_again()
    {
        await using var engine = new ScriptedEngine().On(Route, Script.Empty.Close());
        using var client = Plain(engine);
        Assert.Equal(UpstreamFault.Broken, await FaultAsync(client));
        Assert.Single(engine.To(Route));
    }

    [Fact]
    public async Task An_answer_that_breaks_off_on_a_used_connection_is_not_asked_for_again()
    {
        await using var engine = new ScriptedEngine().On(Route, Script.Reply(200, "{}"));
        using var client = Plain(engine);
        await AskAsync(client);
        engine.Once(Route, Script.Empty.Send("HTTP/1.1 200 O").Close());
        Assert.Equal(UpstreamFault.Broken, await FaultAsync(client));
        Assert.Equal(2, engine.To(Route).Count());
    }

    [Theory]
    [InlineData("connection: close\r\n")]
    [InlineData("connection: x-own, Close\r\n")]
    [InlineData("connection: keep-alive, close\r\n")]
    [InlineData("connection: x-own\r\nconnection: close\r\n")]
    public async Task A_connection_that_the_engine_will_close_is_not_used_again(string headers)
    {
        await using var engine = new ScriptedEngine().On(Route, Script.Reply(200, "{}", headers: headers));
        using var client = Plain(engine);
        await AskAsync(client);
        await AskAsync(client);
        Assert.Equal([1, 2], engine.To(Route).Select(r => r.Connection));
    }

    /// <summary>Whoever stands in between may have understood the other length (RFC 9112 §6.3).</summary>
    [Fact]
    public async Task A_connection_whose_answer_told_two_lengths_is_not_used_again()
    {
        var both = Script.Empty.Send(
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
        await using var engine = new ScriptedEngine().On(Route, both);
        using var client = Plain(engine);
        Assert.Equal("abc", await AskAsync(client));
        Assert.Equal("abc", await AskAsync(client));
        Assert.Equal([1, 2], engine.To(Route).Select(r => r.Connection));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(61)]
    [InlineData(63)]
    public async Task A_large_head_leaves_room_for_the_body(int kibibytes)
    {
        var head = $"x-large: {new string('a', kibibytes * 1024)}\r\n";
        var body = new string('b', 100_000);
        await using var engine = new ScriptedEngine().On(Route, Script.Reply(200, body, headers: head));
        using var client = Plain(engine);
        Assert.Equal(body, await AskAsync(client));
    }

    [Fact]
    public async Task An_engine_that_accepts_and_then_agrees_on_no_TLS_counts_as_not_connected()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        using var client = new UpstreamClient(
            new Uri($"https://127.0.0.1:{port}"), TimeSpan.FromMilliseconds(50), TimeProvider.System);
        Assert.Equal(UpstreamFault.NotConnected, await FaultAsync(client));
    }

    [Fact]
    public async Task A_caller_that_gives_up_while_TLS_is_agreed_on_is_told_so()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        using var client = new UpstreamClient(
            new Uri($"https://127.0.0.1:{port}"), TimeSpan.FromMinutes(5), TimeProvider.System);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Wires.Guard);
        using var request = client.Post(Path);
        var asking = client.SendAsync(request, new SplicedBody("{}"u8.ToArray()), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }

    /// <summary>A request may have chosen a replica that a reload removes before it is sent.</summary>
    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task A_client_that_was_let_go_never_surprises_its_last_callers(string scheme)
    {
        await using var engine = new ScriptedEngine().On(Route, Script.Reply(200, "{}"));
        var client = new UpstreamClient(
            new UriBuilder(engine.Url) { Scheme = scheme }.Uri, TimeSpan.FromSeconds(30), TimeProvider.System);
        client.Dispose();
        if (scheme == "http")
        {
            Assert.Equal("{}", await AskAsync(client));
            await engine.WhenNoConnectionIsOpenAsync(Wires.Guard);
        }
        else
        {
            Assert.Equal(UpstreamFault.NotConnected, await FaultAsync(client));
        }
    }

    /// <summary>A refusal may come before the request was read, and the connection be cut after it.</summary>
    [Fact]
    public async Task An_answer_that_cuts_the_request_short_is_read_all_the_same()
    {
        using var engine = new TcpListener(IPAddress.Loopback, 0);
        engine.Start();
        using var client = new UpstreamClient(
            new Uri($"http://{engine.LocalEndpoint}"), TimeSpan.FromSeconds(30), TimeProvider.System);
        using var request = client.Post(Path);
        var asking = client.SendAsync(request, new SplicedBody(new byte[32 << 20]), Wires.Guard);
        using var socket = await engine.AcceptSocketAsync(Wires.Guard);
        await socket.ReceiveAsync(new byte[1024], Wires.Guard);
        await socket.SendAsync(HttpBytes.Response(413, "too large", "text/plain"), Wires.Guard);
        socket.Close();
        using var answer = await asking;
        Assert.Equal(413, answer.Status);
        Assert.Equal(9, (await answer.ReadAsync()).Length);
    }

    /// <summary>A refusal may come before the request was read, and then nobody reads the rest of it.</summary>
    [Fact]
    public async Task A_refusal_is_read_while_the_engine_leaves_the_upload_where_it_is()
    {
        using var engine = new TcpListener(IPAddress.Loopback, 0);
        engine.Start();
        using var client = new UpstreamClient(
            new Uri($"http://{engine.LocalEndpoint}"), TimeSpan.FromSeconds(30), TimeProvider.System);
        using var request = client.Post(Path);
        var asking = client.SendAsync(request, new SplicedBody(new byte[32 << 20]), Wires.Guard);
        using var socket = await engine.AcceptSocketAsync(Wires.Guard);
        await socket.ReceiveAsync(new byte[1024], Wires.Guard);
        await socket.SendAsync(HttpBytes.Response(413, "too large", "text/plain"), Wires.Guard);
        using (var answer = await asking.WaitAsync(Wires.Guard))
        {
            Assert.Equal(413, answer.Status);
            Assert.Equal(9, (await answer.ReadAsync()).Length);
        }

        // What is half a request ends its connection.
        Assert.True(await DrainAsync(socket) < 32 << 20);
    }

    [Fact]
    public async Task A_success_that_comes_early_does_not_cut_the_upload_short()
    {
        const int BodyBytes = 8 << 20;
        using var engine = new TcpListener(IPAddress.Loopback, 0);
        engine.Start();
        using var client = new UpstreamClient(
            new Uri($"http://{engine.LocalEndpoint}"), TimeSpan.FromSeconds(30), TimeProvider.System);
        using var request = client.Post(Path);
        var asking = client.SendAsync(request, new SplicedBody(new byte[BodyBytes]), Wires.Guard);
        using var socket = await engine.AcceptSocketAsync(Wires.Guard);
        var head = new byte[4096];
        var got = await socket.ReceiveAsync(head, Wires.Guard);
        var body = got - head.AsSpan(0, got).IndexOf("\r\n\r\n"u8) - 4;
        await socket.SendAsync(HttpBytes.ChunkedHead(200, "text/plain"), Wires.Guard);
        while (body < BodyBytes)
        {
            body += await socket.ReceiveAsync(head, Wires.Guard);
        }

        await socket.SendAsync(HttpBytes.LastChunk, Wires.Guard);
        using var answer = await asking.WaitAsync(Wires.Guard);
        Assert.Equal((200, BodyBytes), (answer.Status, body));
        Assert.True((await answer.ReadAsync()).IsEmpty);
    }

    /// <returns>The bytes that came until the peer closed or reset the connection.</returns>
    private static async Task<long> DrainAsync(Socket socket)
    {
        var (buffer, bytes) = (new byte[64 * 1024], 0L);
        try
        {
            while (await socket.ReceiveAsync(buffer, Wires.Guard) is var n and > 0)
            {
                bytes += n;
            }
        }
        catch (SocketException)
        {
            // Reset: also an end.
        }

        return bytes;
    }

    private static UpstreamClient Plain(ScriptedEngine engine) =>
        new(engine.Url, TimeSpan.FromSeconds(30), TimeProvider.System);

    private static async Task<UpstreamFault> FaultAsync(UpstreamClient client) =>
        (await Assert.ThrowsAsync<UpstreamException>(() => AskAsync(client))).Fault;

    /// <summary>Sends <c>{}</c> and reads the whole answer.</summary>
    private static async Task<string> AskAsync(UpstreamClient client, params (string Name, string Value)[] headers)
    {
        using var request = client.Post(Path);
        foreach (var (name, value) in headers)
        {
            request.AddHeader(name, value);
        }

        var body = new StringBuilder();
        using var answer = await client.SendAsync(request, new SplicedBody("{}"u8.ToArray()), Wires.Guard);
        while (await answer.ReadAsync() is { IsEmpty: false } bytes)
        {
            body.Append(Encoding.Latin1.GetString(bytes.Span));
        }

        return body.ToString();
    }
}
