using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Penstock.Cli.Engine;
using Penstock.Cli.Engine.Publishing;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Gateway.Tests.SimulatedEngine;

/// <summary>What a simulated engine publishes, heard over real sockets.</summary>
public sealed class PublishingTests
{
    private const string Free = "tcp://127.0.0.1:0";

    [Theory]
    [InlineData(KvDialect.VllmArrays, null, SimulatedEngineKind.Vllm)]
    [InlineData(KvDialect.VllmMaps, null, SimulatedEngineKind.Vllm)]
    [InlineData(KvDialect.VllmMaps, KvHashForm.Digest, SimulatedEngineKind.Vllm)]
    [InlineData(KvDialect.SglangArrays, null, SimulatedEngineKind.Sglang)]
    [InlineData(KvDialect.SglangMaps, null, SimulatedEngineKind.Sglang)]
    public async Task Who_listens_knows_what_the_engine_will_find(
        KvDialect dialect, KvHashForm? form, SimulatedEngineKind kind)
    {
        // Seven prompts of about a hundred tokens, three of them often, in a cache of six hundred.
        await using var engine = await StartAsync(
            new() { Dialect = dialect, HashForm = form, Rank = 3 },
            options => options with { Kind = kind, KvTokens = 608 });
        using var listener = await EventListener.SubscribeAsync(engine.Addresses.Events!);
        using var replay = await EventListener.ConnectAsync(engine.Addresses.Replay!, ZmtpSocketType.Dealer);
        HeardCache cache = new();
        ulong next = 0;
        var (hits, misses) = (0, 0);
        for (var turn = 0; turn < 24; turn++)
        {
            var body = Body($"{turn % (turn % 2 == 0 ? 7 : 3)}" + string.Concat(Enumerable.Repeat(" word", 80)), 20);
            var tokens = (await engine.Server.JsonAsync("/tokenize", body)).GetProperty("tokens");

            // The history says how far the live events must go.
            var published = (await replay.ReplayAsync(next)).Count;
            for (; published > 0; published--)
            {
                var heard = (await listener.NextAsync())!;
                Assert.Equal(next++, heard.Number);
                cache.Apply(heard.Payload);
            }

            var expected = cache.Match(tokens);
            Assert.Equal(expected, Cached(await engine.Server.JsonAsync("/v1/chat/completions", body)));
            hits += expected > 60 ? 1 : 0;
            misses += expected < 20 ? 1 : 0;
        }

        Assert.Equal(3, cache.Rank);
        Assert.Equal(kind == SimulatedEngineKind.Sglang ? 1 : 16, cache.BlockTokens);
        Assert.True(hits > 3, $"{hits} hits");
        Assert.True(misses > 3, $"{misses} misses");
        Assert.True(cache.Removed > 10, $"{cache.Removed} removed");
    }

    [Theory]
    [InlineData(KvDialect.VllmMaps, "kv@pod@m")]
    [InlineData(KvDialect.SglangArrays, "")]
    public async Task A_replay_is_what_was_heard_from_any_number_on(KvDialect dialect, string topic)
    {
        await using var engine = await StartAsync(new() { Dialect = dialect, Topic = topic });
        using var listener = await EventListener.SubscribeAsync(engine.Addresses.Events!, topic);
        using var deaf = await EventListener.SubscribeAsync(engine.Addresses.Events!, "another topic");
        using var replay = await EventListener.ConnectAsync(engine.Addresses.Replay!, ZmtpSocketType.Dealer);
        await engine.Server.JsonAsync("/v1/chat/completions", Body("a story", 200));

        var all = await replay.ReplayAsync(0);
        var some = await replay.ReplayAsync(3);

        Assert.True(all.Count > 5);
        Assert.Equal(Enumerable.Range(0, all.Count).Select(at => (ulong)at), all.Select(heard => heard.Number));
        Assert.Equal(all[3..].Select(heard => heard.Number), some.Select(heard => heard.Number));
        foreach (var kept in all)
        {
            var heard = (await listener.NextAsync())!;
            Assert.Equal((topic, kept.Number), (heard.Topic, heard.Number));
            Assert.Equal(kept.Payload, heard.Payload);
        }
    }

    [Fact]
    public async Task The_history_forgets_its_oldest_batches()
    {
        await using var engine = await StartAsync(new() { BufferBatches = 3 });
        using var replay = await EventListener.ConnectAsync(engine.Addresses.Replay!, ZmtpSocketType.Req);
        await engine.Server.JsonAsync("/v1/chat/completions", Body("a story", 200));

        var kept = await replay.ReplayAsync(0);

        Assert.Equal(3, kept.Count);
        Assert.True(kept[0].Number > 3);
    }

    [Fact]
    public async Task A_restart_cuts_everything_and_counts_from_0()
    {
        await using var engine = await StartAsync(new(), options => options with { TimeScale = 1 });
        var listener = await EventListener.SubscribeAsync(engine.Addresses.Events!);
        using var running = await engine.Server.PostAsync(
            "/v1/chat/completions",
            Body("a story", 100_000).Replace("\"m\"", "\"m\",\"stream\":true", StringComparison.Ordinal),
            stream: true);
        Assert.Equal(0u, (await listener.NextAsync())!.Number);

        await engine.Server.JsonAsync("/faults", """{"restart":true,"latency_factor":0.01}""");

        await Assert.ThrowsAsync<HttpRequestException>(() => running.Content.ReadAsStringAsync(Token));
        while (await listener.NextAsync() is not null)
        {
        }

        listener.Dispose();
        using var again = await EventListener.SubscribeAsync(engine.Addresses.Events!);
        var answer = await engine.Server.JsonAsync("/v1/chat/completions", Body("a story", 20));
        Assert.Equal(0, Cached(answer));
        Assert.Equal(0u, (await again.NextAsync())!.Number);
        var metrics = await engine.Server.TextAsync("/metrics");
        Assert.Contains("finished_reason=\"stop\"} 1.0", metrics, StringComparison.Ordinal);
        Assert.Contains(
            "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 0.0", metrics, StringComparison.Ordinal);
        var shown = await engine.Server.TextAsync("/faults");
        Assert.DoesNotContain("restart", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lost_batches_are_missing_and_can_be_asked_for()
    {
        await using var engine = await StartAsync(new());
        using var listener = await EventListener.SubscribeAsync(engine.Addresses.Events!);
        using var replay = await EventListener.ConnectAsync(engine.Addresses.Replay!, ZmtpSocketType.Dealer);
        await engine.Server.JsonAsync("/faults", """{"event_loss_rate":1}""");
        await engine.Server.JsonAsync("/v1/chat/completions", Body("a story", 100));
        var lost = (await replay.ReplayAsync(0)).Count;
        await engine.Server.JsonAsync("/faults", "{}");
        await engine.Server.JsonAsync("/v1/chat/completions", Body("b tale", 100));

        Assert.True(lost > 0);
        Assert.Equal((ulong)lost, (await listener.NextAsync())!.Number);
    }

    [Fact]
    public async Task Overtaken_batches_come_out_of_order_and_all_of_them_come()
    {
        await using var engine = await StartAsync(new());
        using var listener = await EventListener.SubscribeAsync(engine.Addresses.Events!);
        using var replay = await EventListener.ConnectAsync(engine.Addresses.Replay!, ZmtpSocketType.Dealer);
        await engine.Server.JsonAsync("/faults", """{"event_reorder_rate":1}""");
        await engine.Server.JsonAsync("/v1/chat/completions", Body("a story", 2000));
        List<ulong> numbers = [];
        for (var left = (await replay.ReplayAsync(0)).Count; left > 0; left--)
        {
            numbers.Add((await listener.NextAsync())!.Number);
        }

        Assert.NotEqual(numbers.Order(), numbers);
        Assert.Equal(Enumerable.Range(0, numbers.Count).Select(at => (ulong)at), numbers.Order());
    }

    [Fact]
    public async Task An_engine_connects_to_who_waits_for_it_and_comes_again()
    {
        using var waiting = new TcpListener(IPAddress.Loopback, 0);
        waiting.Start();
        var port = ((IPEndPoint)waiting.LocalEndpoint).Port;
        await using var engine = await StartAsync(new() { Endpoint = $"tcp://127.0.0.1:{port}" });
        (await waiting.AcceptSocketAsync(Token)).Dispose();

        using var listener = await EventListener.GreetAsync(await waiting.AcceptSocketAsync(Token), ZmtpSocketType.Sub);
        await listener.SubscribeAsync();
        await engine.Server.JsonAsync("/v1/chat/completions", Body("a story", 20));

        Assert.Equal(0u, (await listener.NextAsync())!.Number);
    }

    [Fact]
    public async Task Load_is_told_when_it_changes()
    {
        await using var engine = await StartAsync(
            new() { Dialect = KvDialect.SglangMaps, LoadEndpoint = Free, Rank = 1 },
            options => options with { Kind = SimulatedEngineKind.Sglang });
        using var listener = await EventListener.SubscribeAsync(engine.Addresses.Load!, "load");
        await engine.Server.JsonAsync("/v1/chat/completions", Body("a story", 50));

        var seen = new List<KvLoad>();
        do
        {
            Assert.True(KvLoad.TryRead((await listener.NextAsync())!.Payload, out var load));
            Assert.Equal((1, 524_288L), (load.Rank, load.TokensMax));
            seen.Add(load);
        }
        while (!seen.Exists(load => load.Running == 1 && load.Tokens > 0) || seen[^1].Running > 0);

        var info = JsonDocument.Parse(await engine.Server.TextAsync("/server_info")).RootElement;
        var events = info.GetProperty("kv_events");
        Assert.EndsWith(
            $":{events.GetProperty("endpoint_port_base").GetInt32() + 1}",
            engine.Addresses.Events,
            StringComparison.Ordinal);
        Assert.EndsWith(
            $":{events.GetProperty("load_endpoint_port_base").GetInt32() + 1}",
            engine.Addresses.Load,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_subscriber_that_does_not_read_loses_messages_and_holds_nobody_up()
    {
        await using var socket = new EventSocket(EventEndpoint.Parse(Free, 0)!, ZmtpSocketType.Pub, 4);
        var address = $"tcp://{socket.Address}";
        using var slow = await EventListener.SubscribeAsync(address);
        var message = new System.Buffers.ArrayBufferWriter<byte>();
        KvMessage.Write(message, default, 7, new byte[1 << 20]);

        for (var sent = 0; sent < 64; sent++)
        {
            socket.Broadcast(default, message.WrittenMemory);
        }

        Assert.True(socket.Dropped > 0);
        Assert.Equal(7u, (await slow.NextAsync())!.Number);
    }

    [Theory]
    [InlineData("tcp://*:5557", 0, "0.0.0.0:5557", true)]
    [InlineData("tcp://*:5557", 2, "0.0.0.0:5559", true)]
    [InlineData("tcp://[::]:5557", 1, "[::]:5558", true)]
    [InlineData("tcp://127.0.0.1:0", 5, "127.0.0.1:0", true)]
    [InlineData("tcp://127.0.0.1:5557", 1, "127.0.0.1:5558", false)]
    [InlineData("tcp://localhost:1", 0, "127.0.0.1:1", false)]
    [InlineData("tcp://127.0.0.1:65535", 1, null, false)]
    [InlineData("tcp://somewhere:1", 0, null, false)]
    [InlineData("tcp://127.0.0.1", 0, null, false)]
    [InlineData("ipc://x:1", 0, null, false)]
    public void An_address_is_listened_on_or_connected_to(string text, int rank, string? address, bool binds)
    {
        var endpoint = EventEndpoint.Parse(text, rank);

        Assert.Equal(address, endpoint?.Address.ToString());
        Assert.Equal(binds, endpoint?.Binds ?? false);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Body(string text, int tokens) => $$"""
        {"model":"m","max_tokens":{{tokens}},"ignore_eos":true,"messages":[{"role":"user","content":"{{text}}"}]}
        """;

    private static int Cached(JsonElement answer) => answer.GetProperty("usage")
        .GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();

    private static async Task<Publisher> StartAsync(
        SimulatedEventOptions events, Func<SimulatedEngineOptions, SimulatedEngineOptions>? change = null)
    {
        events = events with { Endpoint = events.Endpoint ?? Free, ReplayEndpoint = Free };
        var options = (change?.Invoke(EngineServer.Options) ?? EngineServer.Options) with { Events = events };
        return new Publisher(await EngineServer.StartAsync(options));
    }

    /// <summary>An engine that publishes.</summary>
    private sealed class Publisher(EngineServer server) : IAsyncDisposable
    {
        public EngineServer Server => server;

        public SimulatedEventAddresses Addresses => server.Events!;

        public ValueTask DisposeAsync() => server.DisposeAsync();
    }
}
