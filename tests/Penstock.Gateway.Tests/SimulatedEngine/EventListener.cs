using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Gateway.Tests.SimulatedEngine;

/// <summary>One numbered message of a publisher or of its replay socket.</summary>
internal sealed record Heard(string Topic, ulong Number, byte[] Payload, bool IsEnd);

/// <summary>The other end of an engine's ZMQ socket.</summary>
internal sealed class EventListener : IDisposable
{
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly Socket _socket;
    private readonly ZmtpPeer _peer;

    private EventListener(Socket socket, ZmtpSocketType type)
    {
        _socket = socket;
        _peer = new ZmtpPeer(type);
    }

    /// <summary>Connects to what an engine listens on.</summary>
    public static async Task<EventListener> ConnectAsync(string address, ZmtpSocketType type)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(address["tcp://".Length..]), TestContext.Current.CancellationToken);
        return await GreetAsync(socket, type);
    }

    /// <summary>Connects, and returns once the engine has noted the subscription.</summary>
    public static async Task<EventListener> SubscribeAsync(string address, string topic = "")
    {
        var listener = await ConnectAsync(address, ZmtpSocketType.Sub);
        await listener.SubscribeAsync(topic);
        return listener;
    }

    public static async Task<EventListener> GreetAsync(Socket socket, ZmtpSocketType type)
    {
        var listener = new EventListener(socket, type);
        ZmtpPeer.Start(listener._output);
        await listener.FlushAsync();
        Assert.Equal(ZmtpInput.Ready, await listener.ReadAsync());
        await listener.FlushAsync();
        return listener;
    }

    public async Task SubscribeAsync(string topic = "")
    {
        ZmtpWriter.Subscribe(_output, System.Text.Encoding.UTF8.GetBytes(topic), asCommand: true);
        ZmtpWriter.Ping(_output, 0);
        await FlushAsync();

        // Whatever comes next comes after the subscription was read: the PONG at the latest.
        await ReceiveAsync();
    }

    /// <summary>Asks the replay socket, and takes everything up to the end.</summary>
    public async Task<List<Heard>> ReplayAsync(ulong from)
    {
        KvReplay.WriteRequest(_output, from);
        await FlushAsync();
        List<Heard> heard = [];
        while (await NextAsync() is { IsEnd: false } batch)
        {
            heard.Add(batch);
        }

        return heard;
    }

    /// <summary>The next message; null where the engine has gone.</summary>
    public async Task<Heard?> NextAsync()
    {
        while (await ReadAsync() is { } input)
        {
            if (input == ZmtpInput.Message)
            {
                Assert.True(KvMessage.TryRead(_peer, out var message));
                return new Heard(
                    System.Text.Encoding.UTF8.GetString(message.Topic),
                    message.Number,
                    message.Payload.ToArray(),
                    message.IsEnd);
            }
        }

        return null;
    }

    public void Dispose()
    {
        _socket.Dispose();
        _peer.Dispose();
    }

    private async Task<ZmtpInput?> ReadAsync()
    {
        while (true)
        {
            var input = _peer.Read(_output);
            Assert.NotEqual(ZmtpInput.Failed, input);
            if (input != ZmtpInput.NeedsMore)
            {
                return input;
            }

            await FlushAsync();
            if (await ReceiveAsync() == 0)
            {
                return null;
            }
        }
    }

    private async Task<int> ReceiveAsync()
    {
        try
        {
            var bytes = await _socket.ReceiveAsync(_peer.Free(), TestContext.Current.CancellationToken);
            _peer.Received(bytes);
            return bytes;
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private async Task FlushAsync()
    {
        var bytes = _output.WrittenMemory.ToArray();
        _output.ResetWrittenCount();
        for (var rest = bytes.AsMemory(); !rest.IsEmpty;)
        {
            rest = rest[await _socket.SendAsync(rest, TestContext.Current.CancellationToken)..];
        }
    }
}
