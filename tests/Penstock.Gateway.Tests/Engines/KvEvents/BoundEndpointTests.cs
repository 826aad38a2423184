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

    /// <summary>What those send who only take up a place.</summary>
    public enum Useless
    {
        Nothing,
        Greeting,
        Load,
        OtherTopic,

        /// <summary>A message that is as it should be but for its end, which never comes.</summary>
        Drip,
    }

    [Theory]
    [InlineData(Useless.Nothing)]
    [InlineData(Useless.Greeting)]
    [InlineData(Useless.Load)]
    [InlineData(Useless.OtherTopic)]
    [InlineData(Useless.Drip)]
    public async Task Those_who_never_say_anything_of_use_do_not_keep_a_publisher_out(Useless what)
    {
        var listener = new RecordingKvListener();
        var clock = new ManualClock();
        await using var subscription = Listen(listener, clock);
        var port = await listener.Bound;
        var hostile = new List<Socket>();
        for (var i = 0; i < Places; i++)
        {
            hostile.Add(await ConnectAsync(port, BytesOf(what)));
        }

        var greets = what != Useless.Nothing;
        await WhenAsync(clock, () => !greets || subscription.Counters.Connections == Places);
        await WhenAsync(clock, () => what != Useless.Load || subscription.Counters.Loads == Places);
        using var publisher = await ConnectAsync(port, [.. Greeting(), .. Batch(0)]);
        await WhenAsync(clock, () => subscription.Counters.Batches == 1);
        Assert.Equal("fault TooManyPublishers None", await listener.Next());
        Assert.Equal("kv@ rank 0: +1/2", await listener.Next());

        // It was of use, so none of those who come after it takes its place.
        for (var i = 0; i < 2 * Places; i++)
        {
            hostile.Add(await ConnectAsync(port, BytesOf(what)));
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

    /// <summary>Sixty-four of them, however long ago, must not be all that an endpoint ever hears of.</summary>
    [Fact]
    public async Task One_that_speaks_for_more_topics_than_allowed_is_cut_off_and_takes_nobodys_place()
    {
        var listener = new RecordingKvListener();
        await using var subscription = Listen(listener, new ManualClock());
        var port = await listener.Bound;
        var bytes = new List<byte>(Greeting());
        for (var i = 0; i <= Places; i++)
        {
            bytes.AddRange(Batch(0, $"kv@{i}"));
        }

        using var hostile = await ConnectAsync(port, [.. bytes]);
        Assert.Equal(
            "kv@0 rank 0: +1/2; kv@1 rank 0: +1/2; kv@2 rank 0: +1/2; kv@3 rank 0: +1/2; " +
            "fault TooManyPublishers None",
            await listener.Next(5));
        using var publisher = await ConnectAsync(port, [.. Greeting(), .. Batch(0, "kv@pod", rank: 1)]);
        Assert.Equal("forget kv@0 rank 0 Restarted; kv@pod rank 1: +1/2", await listener.Next(2));
    }

    [Fact]
    public async Task Engines_that_come_and_go_under_ever_new_names_are_all_heard()
    {
        var listener = new RecordingKvListener { IsQuiet = kind => kind == KvNoticeKind.Connected };
        await using var subscription = Listen(listener, new ManualClock());
        var port = await listener.Bound;
        for (var i = 0; i < 3 * Places; i++)
        {
            using (await ConnectAsync(port, [.. Greeting(), .. Batch(0, $"kv@{i}", rank: i)]))
            {
                Assert.Equal($"kv@{i} rank {i}: +1/2", await listener.Until(l => l[0] == 'k'));
            }

            await listener.Until(l => l == "Disconnected");
        }

        Assert.InRange(subscription.Sources.Count(), 1, Places + 1);
    }

    /// <summary>The cache of the one that left is gone with it, whatever its successor is called.</summary>
    [Fact]
    public async Task An_engine_that_is_started_anew_under_another_name_takes_the_place_of_the_one_before()
    {
        var listener = new RecordingKvListener { IsQuiet = kind => kind == KvNoticeKind.Connected };
        await using var subscription = Listen(listener, new ManualClock());
        var port = await listener.Bound;
        using (await ConnectAsync(port, [.. Greeting(), .. Batch(0, "kv@pod-1")]))
        {
            Assert.Equal("kv@pod-1 rank 0: +1/2", await listener.Next());
        }

        Assert.Equal("Disconnected", await listener.Next());
        using var second = await ConnectAsync(port, [.. Greeting(), .. Batch(0, "kv@pod-2")]);
        Assert.Equal("forget kv@pod-1 rank 0 Restarted; kv@pod-2 rank 0: +1/2", await listener.Next(2));
        Assert.Equal("kv@pod-2", Assert.Single(subscription.Sources).Topic);
    }

    [Theory]
    [InlineData(256, 3, "fault BadBatch None")]
    [InlineData(60_000, 3, "fault BadBatch None")]
    [InlineData(0, 300, "fault TooLarge None")]
    public async Task Ranks_and_topics_beyond_all_reason_are_cut_off_and_the_endpoint_stays_open(
        int rank, int topicBytes, string fault)
    {
        var listener = new RecordingKvListener();
        await using var subscription = Listen(
            listener, new ManualClock(), s => s with { Replay = new DnsEndPoint("*", 5558) });
        var port = await listener.Bound;
        var topic = "kv@".PadRight(topicBytes, 'x');
        using var hostile = await ConnectAsync(port, [.. Greeting(), .. Batch(0, topic, rank)]);
        Assert.Equal(fault, await listener.Next());
        using var publisher = await ConnectAsync(port, [.. Greeting(), .. Batch(0)]);
        Assert.Equal("kv@ rank 0: +1/2", await listener.Next());
    }

    [Fact]
    public async Task A_rank_whose_replay_has_no_port_is_heard_without_one()
    {
        var listener = new RecordingKvListener();
        await using var subscription = Listen(
            listener, new ManualClock(), s => s with { Replay = new DnsEndPoint("*", ushort.MaxValue) });
        using var publisher = await ConnectAsync(
            await listener.Bound, [.. Greeting(), .. Batch(0, rank: 9), .. Batch(2, rank: 9)]);
        Assert.Equal(
            "kv@ rank 9: +1/2; Gap 1-2; forget kv@ rank 9 NoReplay; from 2; kv@ rank 9: +1/2", await listener.Next(5));
    }

    /// <summary>Having been of use once keeps no place for one that was cut off and has to wait.</summary>
    [Fact]
    public async Task Those_who_were_cut_off_make_room_for_others()
    {
        var listener = new RecordingKvListener();
        var clock = new ManualClock();
        await using var subscription = Listen(listener, clock, s => s with
        {
            RetryMin = TimeSpan.FromDays(40),
            RetryMax = TimeSpan.FromDays(40),
        });
        var port = await listener.Bound;
        var hostile = new List<Socket>();
        for (var i = 0; i < Places; i++)
        {
            hostile.Add(await ConnectAsync(port, [.. Greeting(), .. Batch(0, rank: i), 0x08]));
            await WhenAsync(clock, () => subscription.Counters.Faults == i + 1);
        }

        using var publisher = await ConnectAsync(port, [.. Greeting(), .. Batch(0, rank: Places)]);
        await WhenAsync(clock, () => subscription.Counters.Batches == Places + 1);
        hostile.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task A_bug_in_the_listener_ends_a_connection_and_not_the_endpoint()
    {
        var listener = new RecordingKvListener { Throws = new InvalidOperationException("of ours") };
        await using var subscription = Listen(listener, new ManualClock());
        var port = await listener.Bound;
        using var first = await ConnectAsync(port, [.. Greeting(), .. Batch(0)]);
        Assert.Equal("bug of ours", await listener.Next());
        using var second = await ConnectAsync(port, [.. Greeting(), .. Batch(0, rank: 1)]);
        Assert.Equal("kv@ rank 1: +1/2", await listener.Next());
        Assert.Equal(1, subscription.Counters.Faults);
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

    private static byte[] BytesOf(Useless what)
    {
        var load = new ArrayBufferWriter<byte>();
        new KvLoad(1, 1, 1, 1, 0).Write(load);
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, KvLoad.Topic, 0, load.WrittenSpan);
        return what switch
        {
            Useless.Nothing => [],
            Useless.Greeting => Greeting(),
            Useless.Load => [.. Greeting(), .. message.WrittenSpan],
            Useless.OtherTopic => [.. Greeting(), .. Batch(0, "other")],
            _ => [.. Greeting(), .. Batch(0).AsSpan()[..^1]],
        };
    }

    private static KvSubscription Listen(
        RecordingKvListener listener, ManualClock clock,
        Func<KvSubscriptionSettings, KvSubscriptionSettings>? change = null)
    {
        var settings = new KvSubscriptionSettings
        {
            Endpoint = new KvEndpoint(new DnsEndPoint("127.0.0.1", 0), IsBoundHere: true),
            Topic = "kv@",
            PublishersMax = Places,

            // Nobody is given up for being slow here.
            HandshakeTimeout = TimeSpan.FromDays(40),
        };
        var subscription = new KvSubscription(change?.Invoke(settings) ?? settings, listener, clock);
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
        var guard = Wires.Guard;
        while (!holds())
        {
            guard.ThrowIfCancellationRequested();
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

    private static byte[] Batch(ulong number, string topic = "kv@", int? rank = null)
    {
        var payload = new ArrayBufferWriter<byte>();
        var writer = new KvBatchWriter(payload, KvDialect.VllmMaps, KvHashForm.Unsigned);
        writer.Begin(1, 1, rank);
        writer.Write(new() { Hashes = [1], Tokens = [7, 8], BlockTokens = 2 });
        writer.End(rank);
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, System.Text.Encoding.UTF8.GetBytes(topic), number, payload.WrittenSpan);
        return message.WrittenSpan.ToArray();
    }
}
