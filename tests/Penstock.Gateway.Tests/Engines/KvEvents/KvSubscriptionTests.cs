using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Penstock.Core.KvSync;
using Penstock.Engines.KvEvents;
using Penstock.Tests.Shared;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Gateway.Tests.Engines.KvEvents;

public sealed class KvSubscriptionTests
{
    private static readonly byte[] s_http = "HTTP/1.1 200 OK\r\n\r\n"u8.ToArray();

    [Fact]
    public async Task Cuts_off_what_is_no_zmtp_peer()
    {
        await using var engine = new HostilePublisher(async (socket, stop) => await socket.SendAsync(s_http, stop));
        var listener = new RecordingKvListener { IsQuiet = static _ => false };
        await using var subscription = Subscribe(listener, engine.Address, TimeProvider.System);

        // Nor does it count as connected, before it is found out.
        Assert.Equal("fault Wire NotZmtp; fault Wire NotZmtp", await listener.Next(2));
        Assert.Equal((0, 0), (subscription.Counters.Connections, subscription.Counters.Batches));
    }

    [Theory]
    [InlineData("08", "fault Wire BadFrame")]
    [InlineData("0200000000FF000000", "fault Wire TooLarge")]
    [InlineData("010001000100010001000100010001000100", "fault Wire TooManyFrames")]
    [InlineData("0003010203", "fault NoBatch None")]
    public async Task Cuts_off_a_publisher_that_breaks_the_rules(string bytes, string fault)
    {
        await using var engine = HostilePublisher.After(Convert.FromHexString(bytes));
        await AssertFault(engine, fault);
    }

    [Fact]
    public async Task Cuts_off_a_publisher_of_more_blocks_than_allowed_and_forgets_what_it_said()
    {
        var payload = new ArrayBufferWriter<byte>();
        var writer = new KvBatchWriter(payload, KvDialect.VllmMaps, KvHashForm.Unsigned);
        writer.Begin(1, 1, null);
        writer.Write(new KvEvent { Kind = KvEventKind.Removed, Hashes = new ulong[1_000_000] });
        writer.End(null);
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, default, 0, payload.WrittenSpan);
        await using var engine = HostilePublisher.After(message.WrittenSpan.ToArray());
        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, engine.Address, TimeProvider.System);
        Assert.StartsWith("rank 0: -0,0", await listener.Next(), StringComparison.Ordinal);
        Assert.Equal("forget rank 0 Refused; fault TooLarge None", await listener.Next(2));
        Assert.InRange(subscription.Counters.Blocks, 1, KvEventLimits.Default.BlocksMax);
    }

    [Fact]
    public async Task Cuts_off_a_publisher_whose_numbers_begin_again_and_again()
    {
        var messages = new ArrayBufferWriter<byte>();
        for (var i = 0; i < 10; i++)
        {
            KvMessage.Write(messages, default, 0, Batch(i));
        }

        await using var engine = HostilePublisher.After(messages.WrittenSpan.ToArray());
        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, engine.Address, TimeProvider.System);
        await listener.Until("fault BadNumbers None");
        Assert.Equal(8, subscription.Counters.Forgets);
    }

    /// <summary>Each of them has all that is known of the source looked through, and takes forty bytes.</summary>
    [Fact]
    public async Task Cuts_off_a_publisher_whose_numbers_jump_again_and_again()
    {
        var messages = new ArrayBufferWriter<byte>();
        for (var i = 0; i < 200; i++)
        {
            KvMessage.Write(messages, default, (ulong)(2 * i), Batch(i));
        }

        await using var engine = HostilePublisher.After(messages.WrittenSpan.ToArray());
        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, engine.Address, new ManualClock());
        await listener.Until("fault BadNumbers None");
        Assert.Equal(new KvSubscriptionSettings { Endpoint = null! }.GapsMax, subscription.Counters.Forgets);
    }

    [Fact]
    public void One_more_gap_is_given_up_whenever_some_time_has_gone_by()
    {
        var clock = new ManualClock();
        var source = new KvSource("", 0);
        bool TryGiveUp() => source.TryGiveUp(3, TimeSpan.FromSeconds(1), clock);
        Assert.Equal([true, true, true, false, false], Enumerable.Range(0, 5).Select(_ => TryGiveUp()));
        clock.Advance(TimeSpan.FromSeconds(1.01));
        Assert.Equal([true, false], Enumerable.Range(0, 2).Select(_ => TryGiveUp()));
        clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal([true, true, true, false], Enumerable.Range(0, 4).Select(_ => TryGiveUp()));
    }

    [Fact]
    public async Task Cuts_off_a_replay_whose_numbers_jump_again_and_again()
    {
        await using var replay = new HostilePublisher(async (socket, stop) =>
        {
            var output = new ArrayBufferWriter<byte>();
            ZmtpWriter.Greeting(output);
            ZmtpWriter.Ready(output, ZmtpSocketType.Router, default);
            for (var i = 0; i < 50; i++)
            {
                KvReplay.WriteBatch(output, hasTopic: true, default, (ulong)(2 * i), Batch(i));
            }

            await socket.SendAsync(output.WrittenMemory, stop);
        });
        await using var engine = HostilePublisher.After([]);
        var listener = new RecordingKvListener();
        await using var subscription = new KvSubscription(
            new KvSubscriptionSettings
            {
                Endpoint = new KvEndpoint(engine.Address, false), Replay = replay.Address, GapsMax = 4,
            },
            listener,
            new ManualClock());
        subscription.Start();
        await listener.Until("fault BadBatch None");
        Assert.Equal(4, subscription.Counters.Forgets);
    }

    [Fact]
    public async Task Takes_a_message_that_comes_byte_by_byte()
    {
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, "kv@"u8, 0, Batch(1));
        var bytes = message.WrittenSpan.ToArray();
        await using var engine = new HostilePublisher(async (socket, stop) =>
        {
            socket.NoDelay = true;
            var output = new ArrayBufferWriter<byte>();
            ZmtpWriter.Greeting(output);
            ZmtpWriter.Ready(output, ZmtpSocketType.Pub, default);
            output.Write(bytes);
            for (var i = 0; i < output.WrittenCount; i++)
            {
                await socket.SendAsync(output.WrittenMemory.Slice(i, 1), stop);
            }
        });
        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, engine.Address, TimeProvider.System);
        Assert.Equal("rank 0: +1/2", await listener.Next());
    }

    [Fact]
    public async Task Goes_on_after_a_bug_in_its_listener()
    {
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, default, 0, Batch(1));
        await using var engine = HostilePublisher.After(message.WrittenSpan.ToArray());
        var listener = new RecordingKvListener { Throws = new InvalidOperationException("of ours") };
        await using var subscription = Subscribe(listener, engine.Address, TimeProvider.System);
        Assert.Equal("bug of ours; rank 0: +1/2", await listener.Next(2));
        Assert.Equal(1, subscription.Counters.Faults);
    }

    [Fact]
    public async Task Waits_ever_longer_before_it_tries_a_broken_publisher_again()
    {
        var clock = new ManualClock();
        await using var engine = new HostilePublisher(async (socket, stop) => await socket.SendAsync(s_http, stop));
        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, engine.Address, clock);
        var longest = TimeSpan.Zero;
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("fault Wire NotZmtp", await listener.Next());
            await clock.WhenTimersWaitAsync(1, Wires.Guard);
            var wait = clock.NextDue!.Value;
            Assert.InRange(wait / (TimeSpan.FromMilliseconds(250) * Math.Min(120, Math.Pow(2, i))), 0.5, 1);
            longest = wait > longest ? wait : longest;
            clock.Advance(wait);
        }

        Assert.InRange(longest, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Gives_up_a_handshake_that_does_not_come()
    {
        var clock = new ManualClock();
        await using var engine = new HostilePublisher((_, _) => Task.CompletedTask);
        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, engine.Address, clock);
        await listener.HearsWithin(clock, TimeSpan.FromSeconds(5));
        Assert.Equal("fault NoHandshake None", await listener.Next());
    }

    [Fact]
    public async Task Sets_no_timer_while_a_publisher_is_silent()
    {
        var clock = new ManualClock();
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, default, 0, Batch(1));
        await using var engine = HostilePublisher.After(message.WrittenSpan.ToArray());
        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, engine.Address, clock);
        Assert.Equal("rank 0: +1/2", await listener.Next());
        Assert.Equal(0, clock.PendingTimers);
    }

    [Fact]
    public async Task A_replay_that_never_ends_is_given_up()
    {
        var clock = new ManualClock();
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, default, 7, Batch(1));
        await using var engine = HostilePublisher.After(message.WrittenSpan.ToArray());
        await using var silent = new HostilePublisher(async (socket, stop) =>
        {
            var output = new ArrayBufferWriter<byte>();
            ZmtpWriter.Greeting(output);
            ZmtpWriter.Ready(output, ZmtpSocketType.Router, default);
            await socket.SendAsync(output.WrittenMemory, stop);
        });
        var listener = new RecordingKvListener();
        await using var subscription = new KvSubscription(
            new KvSubscriptionSettings
            {
                Endpoint = new KvEndpoint(engine.Address, false),
                Replay = silent.Address,
                HandshakeTimeout = TimeSpan.FromDays(1),
            },
            listener,
            clock);
        subscription.Start();
        await listener.HearsWithin(clock, TimeSpan.FromSeconds(2));
        Assert.Equal("from 7; rank 0: +1/2", await listener.Next(2));
        Assert.Equal(1, subscription.Counters.Replays);
    }

    [Fact]
    public async Task Libzmq_hears_what_our_publisher_sends_and_replays()
    {
        await using var python = await PythonPublisher.StartAsync();
        await using var engine = new HostilePublisher((socket, stop) => Publish(socket, ZmtpSocketType.Pub, stop));
        var heard = await python.Do(new { @do = "subscribe", port = engine.Address.Port, topic = "kv@" });
        Assert.Equal("kv@a", heard.GetProperty("topic").GetString());
        Assert.Equal(258, heard.GetProperty("seq").GetInt32());
        Assert.Equal(
            "[2.5, [{'type': 'BlockStored', 'block_hashes': [1], 'parent_block_hash': None, 'token_ids': [7, 8], " +
            "'block_size': 2, 'lora_id': None, 'medium': 'GPU', 'lora_name': None}]]",
            heard.GetProperty("batch").GetString());

        await using var replay = new HostilePublisher((socket, stop) => Publish(socket, ZmtpSocketType.Router, stop));
        var answer = await python.Do(new { @do = "ask", port = replay.Address.Port, start = 772 });
        Assert.Equal(
            """{"frames": [["", "6b764061", "0000000000000304", "90"], ["", "", "ffffffffffffffff", ""]]}""",
            answer.GetRawText());
    }

    [Theory]
    [InlineData("tcp://*:5557", 2, "engine:5559", false)]
    [InlineData("tcp://[::]:5557", 0, "engine:5557", false)]
    [InlineData("tcp://0.0.0.0:5557", 0, "engine:5557", false)]
    [InlineData("tcp://router:5557", 1, "router:5558", true)]
    public void Knows_who_binds_from_the_engines_setting(string setting, int rank, string address, bool isBoundHere)
    {
        var endpoint = KvEndpoint.Of(setting, "engine", rank)!;
        Assert.Equal(address, $"{endpoint.Address.Host}:{endpoint.Address.Port}");
        Assert.Equal(isBoundHere, endpoint.IsBoundHere);
        Assert.Null(KvEndpoint.Of("ipc:///run/events", "engine", 0));
        Assert.Null(KvEndpoint.Of("tcp://*:65535", "engine", 1));
    }

    // What a simulated engine does: one subscriber, one message; or one request for a replay, one batch and the end.
    private static async Task Publish(Socket socket, ZmtpSocketType type, CancellationToken stop)
    {
        using var peer = new ZmtpPeer(type);
        var output = new ArrayBufferWriter<byte>();
        ZmtpPeer.Start(output);
        while (true)
        {
            var input = peer.Read(output);
            if (input == ZmtpInput.Subscribed)
            {
                KvMessage.Write(output, "kv@a"u8, 258, Batch(1, 2.5));
            }
            else if (input == ZmtpInput.Message && KvReplay.TryReadRequest(peer, out var from))
            {
                KvReplay.WriteBatch(output, hasTopic: true, "kv@a"u8, from, [0x90]);
                KvReplay.WriteEnd(output, hasTopic: true);
            }

            if (output.WrittenCount > 0)
            {
                await socket.SendAsync(output.WrittenMemory, stop);
                output.ResetWrittenCount();
            }

            if (input == ZmtpInput.NeedsMore)
            {
                var received = await socket.ReceiveAsync(peer.Free(), SocketFlags.None, stop);
                if (received == 0)
                {
                    return;
                }

                peer.Received(received);
            }
        }
    }

    private static byte[] Batch(int hash, double time = 1)
    {
        var payload = new ArrayBufferWriter<byte>();
        var writer = new KvBatchWriter(payload, KvDialect.VllmMaps, KvHashForm.Unsigned);
        writer.Begin(time, 1, null);
        writer.Write(new KvEvent { Hashes = [(ulong)hash], Tokens = [7, 8], BlockTokens = 2 });
        writer.End(null);
        return payload.WrittenSpan.ToArray();
    }

    private static async Task AssertFault(HostilePublisher engine, string fault)
    {
        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, engine.Address, TimeProvider.System);

        // The second time shows that it is tried again.
        Assert.Equal($"{fault}; {fault}", await listener.Next(2));
        Assert.Equal(0, subscription.Counters.Batches);
    }

    private static KvSubscription Subscribe(RecordingKvListener listener, DnsEndPoint address, TimeProvider time)
    {
        var subscription = new KvSubscription(
            new KvSubscriptionSettings
            {
                Endpoint = new KvEndpoint(address, IsBoundHere: false),
                RetryMin = TimeSpan.FromMilliseconds(time is ManualClock ? 250 : 5),
            },
            listener,
            time);
        subscription.Start();
        return subscription;
    }
}
