using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Penstock.Cli.Engine;
using Penstock.Core.Config;
using Penstock.Core.KvSync;
using Penstock.Gateway.Tests.Requests;
using Penstock.Gateway.Tests.SimulatedEngine;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>What engines publish and what the gateway makes of it, over real sockets.</summary>
public sealed class CacheFeedTests
{
    public static TheoryData<SimulatedEngineKind, KvDialect> Publishers => new()
    {
        { SimulatedEngineKind.Vllm, KvDialect.VllmArrays },
        { SimulatedEngineKind.Vllm, KvDialect.VllmMaps },
        { SimulatedEngineKind.Sglang, KvDialect.SglangArrays },
        { SimulatedEngineKind.Sglang, KvDialect.SglangMaps },
    };

    /// <summary>Another client fills the caches; the gateway never saw that prompt, and still knows where it is.
    /// </summary>
    [Theory]
    [MemberData(nameof(Publishers))]
    public async Task What_another_client_put_into_a_cache_is_found_there(SimulatedEngineKind kind, KvDialect dialect)
    {
        var options = Options(kind, dialect);
        await using var fleet = await EventedFleet.StartAsync([options, options], Tokens);
        await fleet.WhenAsync(f => EventedFleet.State(f, 0) == "live" && EventedFleet.State(f, 1) == "live");
        var story = EventedFleet.Words("a story", 400);
        await fleet.Engines[1].JsonAsync("/v1/chat/completions", EventedFleet.Chat(story));
        await fleet.WhenAsync(f => EventedFleet.Count(f, "blocks", 1) >= 25);

        // Round robin: the first request goes to the engine that has it not, the second to the one that has.
        for (var turn = 0; turn < 2; turn++)
        {
            var answer = await fleet.Gateway.AskAsync("/v1/chat/completions", EventedFleet.Chat(story));
            Assert.Equal(200, answer.Status);
            var decision = (await fleet.Gateway.DecisionsAsync())[^1];
            var predicted = Predicted(decision);
            Assert.Equal(EventedFleet.Cached(answer.Json()), predicted);
            Assert.Equal(decision.GetProperty("replica").GetString() == "r1", predicted > 300);
        }
    }

    [Theory]
    [InlineData(SimulatedEngineKind.Vllm, KvDialect.VllmMaps)]
    [InlineData(SimulatedEngineKind.Sglang, KvDialect.SglangMaps)]
    public async Task A_restarted_engine_is_known_to_be_empty_at_once(SimulatedEngineKind kind, KvDialect dialect)
    {
        await using var fleet = await EventedFleet.StartAsync([Options(kind, dialect)], Tokens);
        await fleet.WhenAsync(f => EventedFleet.State(f) == "live");
        var story = EventedFleet.Chat(EventedFleet.Words("a story", 400));
        await fleet.Gateway.AskAsync("/v1/chat/completions", story);
        await fleet.WhenAsync(f => EventedFleet.Count(f, "resident_tokens") > 300);

        await fleet.Engines[0].JsonAsync("/faults", """{"restart":true}""");
        await fleet.Engines[0].JsonAsync("/v1/chat/completions", EventedFleet.Chat("hello"));
        await fleet.WhenAsync(f => EventedFleet.Count(f, "resets") > 0 && EventedFleet.State(f) == "live");

        var answer = await fleet.Gateway.AskAsync("/v1/chat/completions", story);
        var decision = (await fleet.Gateway.DecisionsAsync())[^1];
        Assert.Equal(EventedFleet.Cached(answer.Json()), Predicted(decision));
        Assert.True(Predicted(decision) < 32, $"{Predicted(decision)} tokens are believed to have survived");
    }

    /// <summary>Its events are fetched, and say what is new, not what was before.</summary>
    [Fact]
    public async Task Events_that_are_fetched_count_as_those_that_are_published()
    {
        await using var fleet = await EventedFleet.StartAsync(
            [EngineServer.Options with { Kind = SimulatedEngineKind.Trtllm }]);
        var story = EventedFleet.Chat(EventedFleet.Words("a story", 400));
        await fleet.Gateway.AskAsync("/v1/chat/completions", story);

        // They were fetched from the first one on, so that all of the cache is known.
        await fleet.WhenAsync(f => EventedFleet.Count(f, "blocks") >= 12 && EventedFleet.State(f) == "live");
        await fleet.Engines[0].JsonAsync("/faults", """{"restart":true}""");
        await fleet.Engines[0].JsonAsync("/v1/chat/completions", EventedFleet.Chat("hello"));
        await fleet.WhenAsync(f => EventedFleet.Count(f, "resets") > 0 && EventedFleet.State(f) == "live");

        await fleet.Gateway.AskAsync("/v1/chat/completions", story);
        var decision = (await fleet.Gateway.DecisionsAsync())[^1];
        Assert.Equal(0, Predicted(decision));
    }

    /// <summary>Whether it keeps events, or none happened yet, cannot be told apart; that it answers can.</summary>
    [Fact]
    public async Task An_engine_that_answers_and_has_no_events_is_silent()
    {
        var facts = new EngineFacts();
        await using var engine = Personality.Trtllm.Start(facts);
        await using var gateway = await RunningGateway.StartAsync(engine);
        while (EventedFleet.State(await gateway.AdminAsync("/admin/fleet")) != "silent")
        {
            gateway.Clock.Advance(TimeSpan.FromMilliseconds(25));
        }

        Assert.True(EventedFleet.Count(await gateway.AdminAsync("/admin/fleet"), "batches") > 0);
        facts.Events.Enqueue("""{"event_id":7,"data":{"type":"removed","block_hashes":[1]},"window_size":512}""");
        await gateway.WhenNewsAsync(
            "Warning: cache events of replica main/r0 (rank 0) have a gap: it was at work before it was asked");
        Assert.Equal("gap", EventedFleet.State(await gateway.AdminAsync("/admin/fleet")));
    }

    [Fact]
    public async Task Lost_batches_are_asked_for_again()
    {
        await using var fleet = await EventedFleet.StartAsync([Options(SimulatedEngineKind.Vllm, KvDialect.VllmMaps)]);
        await fleet.WhenAsync(f => EventedFleet.State(f) == "live");
        await fleet.Engines[0].JsonAsync("/faults", """{"event_loss_rate":0.2}""");
        for (var turn = 0; turn < 20; turn++)
        {
            await fleet.Engines[0].JsonAsync("/v1/chat/completions", EventedFleet.Chat(
                EventedFleet.Words($"story {turn}", 60)));
        }

        await fleet.Engines[0].JsonAsync("/faults", "{}");
        await fleet.Engines[0].JsonAsync("/v1/chat/completions", EventedFleet.Chat(EventedFleet.Words("the end", 60)));
        var metrics = await fleet.Engines[0].TextAsync("/metrics");
        Assert.Contains("vllm:", metrics, StringComparison.Ordinal);
        await fleet.WhenAsync(f => EventedFleet.Count(f, "blocks") >= 21 * 4 && EventedFleet.State(f) == "live");
        var seen = await fleet.Gateway.AdminAsync("/admin/fleet");
        Assert.True(EventedFleet.Count(seen, "gaps") > 0);
        Assert.True(EventedFleet.Count(seen, "replays") > 0);
        Assert.Equal(0, EventedFleet.Count(seen, "resets"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_hostile_publisher_costs_its_own_feed_alone(int how)
    {
        using var hostile = new HostilePublisher(how);
        var good = Options(SimulatedEngineKind.Vllm, KvDialect.VllmMaps);
        await using var fleet = await EventedFleet.StartAsync([good, good], pool => pool with
        {
            Replicas =
            [
                pool.Replicas[0] with { KvEvents = new KvEventsConfig { Endpoint = hostile.Address } },
                pool.Replicas[1],
            ],
        });
        await fleet.WhenAsync(f => EventedFleet.State(f) == "faulty" && EventedFleet.State(f, 1) == "live");

        for (var turn = 0; turn < 2; turn++)
        {
            Assert.Equal(200, (await fleet.Gateway.AskAsync(
                "/v1/chat/completions", EventedFleet.Chat("hello"))).Status);
        }

        await fleet.WhenAsync(f => EventedFleet.Count(f, "batches", 1) > 0);
        var seen = await fleet.Gateway.AdminAsync("/admin/fleet");
        Assert.Equal(how < 2 ? -1 : 0, Math.Min(0, EventedFleet.Count(seen, "cache_event_age_ms")));
        if (how == 2)
        {
            // No more than a batch may have was read of it, and nothing of that is believed.
            Assert.InRange(EventedFleet.Count(seen, "blocks"), 1, KvEventLimits.Default.BlocksMax * 8L);
            Assert.Equal(-1, EventedFleet.Count(seen, "resident_tokens"));
        }

        Assert.Equal("live", EventedFleet.State(seen, 1));
    }

    [Fact]
    public async Task Events_that_are_not_understood_are_counted()
    {
        using var strange = new HostilePublisher(3);
        await using var fleet = await EventedFleet.StartAsync(
            [Options(SimulatedEngineKind.Vllm, KvDialect.VllmMaps)],
            pool => pool with
            {
                Replicas = [pool.Replicas[0] with { KvEvents = new KvEventsConfig { Endpoint = strange.Address } }],
            });
        await fleet.WhenAsync(f => EventedFleet.Count(f, "batches") == 1);
        var seen = await fleet.Gateway.AdminAsync("/admin/fleet");
        Assert.Equal(
            (1, 1), (EventedFleet.Count(seen, "unknown_events"), EventedFleet.Count(seen, "broken_events")));
    }

    [Fact]
    public async Task Pushed_load_reaches_the_pool()
    {
        var options = Options(SimulatedEngineKind.Sglang, KvDialect.SglangMaps);
        await using var fleet = await EventedFleet.StartAsync(
            [options with { TimeScale = 1, Events = options.Events! with { LoadEndpoint = "tcp://127.0.0.1:0" } }],
            pool => pool with { Replicas = [pool.Replicas[0] with { KvEvents = null }] });
        await fleet.WhenAsync(f => EventedFleet.State(f) == "live");

        using var running = await fleet.Engines[0].PostAsync(
            "/v1/chat/completions",
            EventedFleet.Chat("a story", 100_000).Replace("\"m\"", "\"m\",\"stream\":true", StringComparison.Ordinal),
            stream: true);
        await fleet.WhenAsync(f => RunningGateway.Replicas(f).First().GetProperty("reported_running").GetInt32() == 1);
    }

    private static PoolConfig Tokens(PoolConfig pool) => pool with { PrefixKeys = KnownNames.KeysTokens };

    private static SimulatedEngineOptions Options(SimulatedEngineKind kind, KvDialect dialect) =>
        EventedFleet.Publisher(dialect, kind);

    private static long Predicted(JsonElement decision) => decision.GetProperty("predicted_cached_tokens").GetInt64();

    /// <summary>Accepts, and sends what no publisher sends.</summary>
    private sealed class HostilePublisher : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();

        public HostilePublisher(int how)
        {
            _listener.Start();
            _ = ServeAsync(how);
        }

        public string Address => $"tcp://{_listener.LocalEndpoint}";

        public void Dispose()
        {
            _stop.Cancel();
            _listener.Dispose();
            _stop.Dispose();
        }

        private async Task ServeAsync(int how)
        {
            try
            {
                while (true)
                {
                    using var socket = await _listener.AcceptSocketAsync(_stop.Token);
                    await SendAsync(socket, how);
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        /// <summary>As a publisher should, but for how much.</summary>
        private static byte[] MillionHashes()
        {
            var payload = new ArrayBufferWriter<byte>();
            var writer = new KvBatchWriter(payload, KvDialect.VllmMaps, KvHashForm.Unsigned);
            writer.Begin(1, 1, null);
            writer.Write(new KvEvent { Hashes = Enumerable.Range(1, 1_000_000).Select(i => (ulong)i).ToArray() });
            writer.End(null);
            return Published(payload.WrittenSpan);
        }

        /// <summary>A time, and two events as arrays: one of no kind, and one that removes a text.</summary>
        private static byte[] Strange() => Published(
        [
            0x92, 0xCB, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0x92,
            0x91, 0xA7, .. "Strange"u8,
            0x92, 0xAC, .. "BlockRemoved"u8, 0xA1, .. "x"u8,
        ]);

        private static byte[] Published(ReadOnlySpan<byte> payload)
        {
            var message = new ArrayBufferWriter<byte>();
            ZmtpWriter.Greeting(message);
            ZmtpWriter.Ready(message, ZmtpSocketType.Pub, default);
            KvMessage.Write(message, default, 0, payload);
            return message.WrittenSpan.ToArray();
        }

        private async Task SendAsync(Socket socket, int how)
        {
            try
            {
                var garbage = new byte[4096];
                new Random(7).NextBytes(garbage);
                if (how >= 2)
                {
                    await socket.SendAsync(how == 2 ? MillionHashes() : Strange(), _stop.Token);
                    while (how == 3 && await socket.ReceiveAsync(garbage, _stop.Token) > 0)
                    {
                    }

                    await socket.ReceiveAsync(garbage, _stop.Token);
                }

                if (how == 1)
                {
                    // A greeting as it should be, and then a frame without an end.
                    garbage.AsSpan(0, 64).Clear();
                    garbage[0] = 0xFF;
                    garbage[9] = 0x7F;
                    garbage[10] = 3;
                    "NULL"u8.CopyTo(garbage.AsSpan(12));
                    garbage[64] = 0x02;
                    garbage.AsSpan(65, 8).Fill(0x7F);
                }

                while (await socket.SendAsync(garbage, _stop.Token) > 0)
                {
                }
            }
            catch (SocketException)
            {
                // It was cut off, as it should be.
            }
        }
    }
}
