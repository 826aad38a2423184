using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Penstock.Engines.KvEvents;
using Penstock.Tests.Shared;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Gateway.Tests.Engines.KvEvents;

/// <summary>An endpoint that anybody may connect to.</summary>
public sealed class BoundEndpointTests
{
    private const int Places = 4;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Those_who_never_say_anything_of_use_do_not_keep_a_publisher_out(bool greet)
    {
        var listener = new RecordingKvListener();
        var clock = new ManualClock();
        await using var subscription = Listen(listener, clock);
        var port = await listener.Bound;
        var hostile = new List<Socket>();
        for (var i = 0; i < Places; i++)
        {
            hostile.Add(await ConnectAsync(port, greet ? Greeting() : []));
        }

        await WhenAsync(clock, () => !greet || subscription.Counters.Connections == Places);
        using var publisher = await ConnectAsync(port, [.. Greeting(), .. Batch(0)]);
        await WhenAsync(clock, () => subscription.Counters.Batches == 1);
        Assert.Equal("fault TooManyPublishers None", await listener.Next());
        Assert.Equal("rank 0: +1/2", await listener.Next());

        // It was of use, so none of those who come after it takes its place.
        for (var i = 0; i < 2 * Places; i++)
        {
            hostile.Add(await ConnectAsync(port, greet ? Greeting() : []));
        }

        await WhenAsync(clock, () => subscription.Counters.Faults >= 2 * Places);
        await publisher.SendAsync(Batch(1), Wires.Guard);
        await WhenAsync(clock, () => subscription.Counters.Batches == 2);
        hostile.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task Publishers_that_are_all_of_use_keep_their_places()
    {
        var listener = new RecordingKvListener();
        var clock = new ManualClock();
        await using var subscription = Listen(listener, clock);
        var port = await listener.Bound;
        var publishers = new List<Socket>();
        for (var i = 0; i < Places; i++)
        {
            publishers.Add(await ConnectAsync(port, [.. Greeting(), .. Batch(0, $"kv@{i}")]));
            await WhenAsync(clock, () => subscription.Counters.Batches == i + 1);
        }

        using var late = await ConnectAsync(port, Greeting());
        Assert.True(await IsClosedAsync(late));
        publishers.ForEach(p => p.Dispose());
    }

    /// <summary>The other side hangs up: with an end, or with a reset where it had not read what was sent.</summary>
    private static async Task<bool> IsClosedAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1], SocketFlags.None, Wires.Guard) == 0;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    private static KvSubscription Listen(RecordingKvListener listener, ManualClock clock)
    {
        var subscription = new KvSubscription(
            new KvSubscriptionSettings
            {
                Endpoint = new KvEndpoint(new DnsEndPoint("127.0.0.1", 0), IsBoundHere: true),
                PublishersMax = Places,

                // Nobody is given up for being slow here.
                HandshakeTimeout = TimeSpan.FromDays(40),
            },
            listener,
            clock);
        subscription.Start();
        return subscription;
    }

    private static async Task<Socket> ConnectAsync(int port, byte[] bytes)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, Wires.Guard);
        await socket.SendAsync(bytes, Wires.Guard);
        return socket;
    }

    /// <summary>Little time goes by, as often as it takes.</summary>
    private static async Task WhenAsync(ManualClock clock, Func<bool> holds)
    {
        while (!holds())
        {
            Wires.Guard.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }
    }

    private static byte[] Greeting()
    {
        var output = new ArrayBufferWriter<byte>();
        ZmtpWriter.Greeting(output);
        ZmtpWriter.Ready(output, ZmtpSocketType.Pub, default);
        return output.WrittenSpan.ToArray();
    }

    private static byte[] Batch(ulong number, string topic = "")
    {
        var payload = new ArrayBufferWriter<byte>();
        var writer = new KvBatchWriter(payload, KvDialect.VllmMaps, KvHashForm.Unsigned);
        writer.Begin(1, 1, null);
        writer.Write(new() { Hashes = [1], Tokens = [7, 8], BlockTokens = 2 });
        writer.End(null);
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, System.Text.Encoding.UTF8.GetBytes(topic), number, payload.WrittenSpan);
        return message.WrittenSpan.ToArray();
    }
}
