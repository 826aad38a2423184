using System.Net.Sockets;
using System.Text;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>The instrument itself: what it records and what it sends is exact.</summary>
public class ScriptedEngineTests
{
    [Fact]
    public async Task Records_head_and_chunked_body_byte_for_byte()
    {
        await using var engine = new ScriptedEngine().On("POST /x", Script.Reply(200, "ok"));
        const string head = "POST /x?q=1 HTTP/1.1\r\nHost: h\r\nX-Odd:   spaced \r\nTransfer-Encoding: chunked\r\n\r\n";
        const string body = "3;ext=1\r\nabc\r\n0\r\nTrailer: t\r\n\r\n";
        using var peer = await ConnectAsync(engine);
        await SendAsync(peer, head + body.Replace("Trailer: t\r\n", ""));
        var request = await engine.RequestAsync("POST /x", Wires.Guard);
        Assert.Equal(head, request.HeadText);
        Assert.Equal("3;ext=1\r\nabc\r\n0\r\n\r\n", Encoding.ASCII.GetString(request.RawBody));
        Assert.Equal("abc", request.BodyText);
        Assert.Equal("spaced", request.Header("x-odd"));
        Assert.False(request.BodyTruncated);
    }

    [Fact]
    public async Task Sends_exactly_the_bytes_of_its_script_and_keeps_the_connection()
    {
        var script = Script.Chunked("text/plain", ["a", "bc"]).InPieces();
        await using var engine = new ScriptedEngine().On("GET /x", script);
        using var peer = await ConnectAsync(engine);
        foreach (var ordinal in new[] { 1, 2 })
        {
            await SendAsync(peer, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
            Assert.Equal(script.AllBytes(), await ReadAsync(peer, script.AllBytes().Length));
            Assert.Equal(ordinal, engine.Requests[^1].OrdinalOnConnection);
        }

        Assert.Equal(1, engine.AcceptedConnections);
    }

    [Fact]
    public async Task Waits_at_a_gate_until_the_test_opens_it()
    {
        var gate = new Gate();
        await using var engine = new ScriptedEngine().On("GET /x", Script.Empty.Send("a").Pass(gate).Send("b").Close());
        using var peer = await ConnectAsync(engine);
        await SendAsync(peer, "GET /x HTTP/1.1\r\n\r\n");
        await gate.Reached.WaitAsync(Wires.Guard);
        Assert.Equal("a"u8.ToArray(), await ReadAsync(peer, 1));
        Assert.Equal(0, peer.Available);
        gate.Open();
        Assert.Equal("b"u8.ToArray(), await ReadAsync(peer, 1));
        Assert.Empty(await ReadAsync(peer, 1));
    }

    [Fact]
    public async Task Notices_a_peer_that_leaves_in_the_middle_of_an_answer()
    {
        await using var engine = new ScriptedEngine().On("GET /x", Script.Empty.Send("a").Hang());
        using (var peer = await ConnectAsync(engine))
        {
            await SendAsync(peer, "GET /x HTTP/1.1\r\n\r\n");
            await ReadAsync(peer, 1);
        }

        var request = await engine.RequestAsync("GET /x", Wires.Guard);
        Assert.Equal(ExchangeEnd.PeerGone, await request.Ended.WaitAsync(Wires.Guard));
        await engine.WhenNoConnectionIsOpenAsync(Wires.Guard);
    }

    [Fact]
    public async Task Cuts_a_script_anywhere_and_resets()
    {
        var script = Script.Reply(200, "hello").CutAfter(10, new ScriptStep.Reset());
        await using var engine = new ScriptedEngine().On("GET /x", script);
        using var peer = await ConnectAsync(engine);
        await SendAsync(peer, "GET /x HTTP/1.1\r\n\r\n");
        var all = async () =>
        {
            while ((await ReadAsync(peer, 1)).Length > 0)
            {
            }
        };
        var error = await Assert.ThrowsAsync<SocketException>(all);
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    [Fact]
    public async Task Says_that_a_body_was_cut_short()
    {
        await using var engine = new ScriptedEngine().On("POST /x", Script.Reply(200, "ok"));
        using (var peer = await ConnectAsync(engine))
        {
            await SendAsync(peer, "POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
            peer.Shutdown(SocketShutdown.Send);
            var request = await engine.RequestAsync("POST /x", Wires.Guard);
            Assert.True(request.BodyTruncated);
            Assert.Equal("abc", request.BodyText);
        }
    }

    private static async Task<Socket> ConnectAsync(ScriptedEngine engine)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(engine.Url.Host, engine.Url.Port, Wires.Guard);
        return socket;
    }

    private static async Task SendAsync(Socket socket, string text) =>
        await socket.SendAsync(Encoding.ASCII.GetBytes(text), Wires.Guard);

    private static async Task<byte[]> ReadAsync(Socket socket, int count)
    {
        var bytes = new byte[count];
        var have = 0;
        while (have < count && await socket.ReceiveAsync(bytes.AsMemory(have), Wires.Guard) is var n and > 0)
        {
            have += n;
        }

        return bytes[..have];
    }
}
