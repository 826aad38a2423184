using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Gateway.Configuration;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>Edits of the config file while requests run.</summary>
public sealed class ReloadTests : IDisposable
{
    private static readonly string[] Messages = [.. CannedAnswers.MessageEvents(new EngineFacts())];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("penstock-reload-");

    private string FilePath => Path.Combine(_folder.FullName, "penstock.yaml");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Streams_outlive_replicas_that_are_added_changed_and_removed()
    {
        await using var first = Personality.Vllm.Start();
        await using var second = Personality.Vllm.Start();
        Write(first);
        using var file = Open();
        await using var gateway = await StartAsync(file);
        var gate = new Gate();
        first.Once("POST /v1/messages", Script.EventsHead().SendChunk(string.Concat(Messages[..3])).Pass(gate)
            .SendChunk(string.Concat(Messages[3..])).SendLastChunk());
        await using var client = new StreamReading(await gateway.SendAsync(
            Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: true)));
        await client.ReadAsync(string.Concat(Messages[..3]));
        foreach (var engines in new ScriptedEngine[][] { [first, second], [second, first], [second] })
        {
            Write(engines);
            file.Look();
            await gateway.WhenFleetAsync(f => RunningGateway.Replicas(f).Count() == engines.Length
                && RunningGateway.Replicas(f).All(r => r.GetProperty("engine").GetString() is not null));
        }

        gateway.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(200, (await gateway.AskAsync(
            Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false))).Status);
        gate.Open();
        Assert.EndsWith(string.Concat(Messages[3..]), await client.ReadToEndAsync());
        var books = await gateway.CloseBooksAsync();
        Assert.All(books, b => Assert.Equal("completed", b.Booked[0].Split(' ')[1]));
    }

    /// <summary>A body that takes long to arrive meets another fleet than its head did.</summary>
    [Fact]
    public async Task A_request_whose_replica_is_removed_while_its_body_arrives_is_served_by_another()
    {
        await using var first = Personality.Vllm.Start();
        await using var second = Personality.Vllm.Start();
        Write(first);
        using var file = Open();
        await using var gateway = await StartAsync(file);
        await using var client = new RawClient(gateway.Url);
        var request = RawClient.Post(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false));
        await client.SendAsync(request[..^20]);
        Assert.Equal(200, (await gateway.AskAsync(
            Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false))).Status);
        Write(second);
        file.Look();
        await gateway.WhenFleetAsync(f => RunningGateway.Replicas(f).All(r =>
            r.GetProperty("url").GetString()!.Contains(second.Url.Authority)
            && r.GetProperty("engine").GetString() is not null));
        await client.SendAsync(request[^20..]);
        Assert.Equal(200, (await client.ReadAnswerAsync()).Status);
        Assert.Contains(second.To("POST /v1/messages"), r => r.Body.Length > 0);
    }

    [Fact]
    public async Task What_is_in_flight_and_known_at_a_replica_that_stays_outlives_other_replicas_and_another_policy()
    {
        await using var stays = Personality.Vllm.Start();
        await using var goes = Personality.Vllm.Start();
        await using var comes = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(stays, goes);
        Assert.Equal(200, (await gateway.AskAsync(Bodies.Messages, LongPrompt)).Status);
        var gate = new Gate();
        stays.On("POST /v1/messages", Script.EventsHead().SendChunk(Messages[0]).Pass(gate).Reset());
        goes.On("POST /v1/messages", Script.EventsHead().SendChunk(Messages[0]).Pass(gate).Reset());
        var open = new[] { await BeginAsync(gateway), await BeginAsync(gateway) };
        var before = RunningGateway.Replicas(await gateway.AdminAsync("/admin/fleet")).First();

        Apply(gateway, "penstock", (stays, "r0"), (comes, "r2"));
        await gateway.WhenFleetAsync(f => RunningGateway.Replicas(f).All(r =>
            r.GetProperty("engine").GetString() is not null && r.GetProperty("health").GetString() != "unknown"));
        var fleet = await gateway.AdminAsync("/admin/fleet");
        var after = RunningGateway.Replicas(fleet).ToArray();
        Assert.Equal(["r0", "r2"], after.Select(r => r.GetProperty("name").GetString()));
        Assert.Equal(2, fleet.GetProperty("pools")[0].GetProperty("in_flight").GetInt64());
        Assert.Equal("penstock", fleet.GetProperty("pools")[0].GetProperty("policy").GetString());
        Assert.NotEqual(0, before.GetProperty("decode_tokens").GetInt64());
        Assert.NotEqual(0, before.GetProperty("cache").GetProperty("remembered_blocks").GetInt64());
        foreach (var known in new[] { "in_flight", "decode_tokens", "prefill_tokens_per_second", "seconds_per_token" })
        {
            Assert.Equal($"{before.GetProperty(known)}", $"{after[0].GetProperty(known)}");
        }

        Assert.Equal($"{before.GetProperty("cache")}", $"{after[0].GetProperty("cache")}");
        Assert.Equal(0, after[1].GetProperty("cache").GetProperty("remembered_blocks").GetInt64());
        gate.Open();
        foreach (var client in open)
        {
            await client.ReadToEndAsync();
            await client.DisposeAsync();
        }

        await gateway.CloseBooksAsync();
    }

    [Fact]
    public async Task Other_objectives_hold_for_the_next_request_and_leave_all_that_is_known()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(
            d => d with { Pools = [d.Pools[0] with { Policy = "penstock" }] }, engine);
        Assert.Equal(200, (await gateway.AskAsync(Bodies.Messages, LongPrompt)).Status);
        var gate = new Gate();
        engine.Once("POST /v1/messages", Script.EventsHead().SendChunk(Messages[0]).Pass(gate).Reset());
        await using var open = await BeginAsync(gateway);
        var before = RunningGateway.Replicas(await gateway.AdminAsync("/admin/fleet")).Single();
        foreach (var (model, pool) in new (int, int?)[] { (2, null), (3, 4) })
        {
            var document = gateway.Source.Document;
            Assert.Empty(gateway.Source.Apply(
                document with
                {
                    Models = [document.Models[0] with { Slo = new() { FirstToken = TimeSpan.FromSeconds(model) } }],
                    Pools =
                    [
                        document.Pools[0] with
                        {
                            Slo = new() { FirstToken = pool is { } s ? TimeSpan.FromSeconds(s) : null },
                        },
                    ],
                },
                SecretValues.None));
            var fleet = await gateway.AdminAsync("/admin/fleet");
            Assert.Equal($"{before}", $"{RunningGateway.Replicas(fleet).Single()}");
            var slo = $$"""{"first_token":{{(pool ?? model) * 1_000}}}""";
            Assert.Equal(slo, $"{fleet.GetProperty("pools")[0].GetProperty("slo_ms")}");
            Assert.Equal(1, fleet.GetProperty("pools")[0].GetProperty("in_flight").GetInt64());
            Assert.Equal(200, (await gateway.AskAsync(Bodies.Messages, LongPrompt)).Status);
            Assert.Equal(slo, $"{(await gateway.DecisionsAsync())[^1].GetProperty("slo_ms")}");
            before = RunningGateway.Replicas(await gateway.AdminAsync("/admin/fleet")).Single();
        }

        gate.Open();
        await open.ReadToEndAsync();
        await gateway.CloseBooksAsync();
    }

    [Fact]
    public async Task A_pool_that_has_not_slots_enough_starts_anew_and_loses_no_request()
    {
        var engines = Enumerable.Range(0, 5).Select(_ => Personality.Vllm.Start()).ToArray();
        await using var gateway = await RunningGateway.StartAsync(engines[0]);
        Assert.Equal(200, (await gateway.AskAsync(Bodies.Messages, LongPrompt)).Status);
        var gate = new Gate();
        engines[0].Once("POST /v1/messages", Script.EventsHead().SendChunk(string.Concat(Messages[..3])).Pass(gate)
            .SendChunk(string.Concat(Messages[3..])).SendLastChunk());
        await using var open = await BeginAsync(gateway);
        Apply(gateway, "penstock", [.. engines.Select((e, i) => (e, $"r{i}"))]);
        await gateway.WhenFleetAsync(f => RunningGateway.Replicas(f).All(r =>
            r.GetProperty("engine").GetString() is not null && r.GetProperty("health").GetString() != "unknown"));
        var first = RunningGateway.Replicas(await gateway.AdminAsync("/admin/fleet")).First();
        Assert.Equal(0, first.GetProperty("cache").GetProperty("remembered_blocks").GetInt64());
        gate.Open();
        Assert.EndsWith(Messages[^1], await open.ReadToEndAsync());
        Assert.All(await gateway.CloseBooksAsync(), b => Assert.Equal("completed", b.Outcome));
        foreach (var engine in engines)
        {
            await engine.DisposeAsync();
        }
    }

    /// <summary>The port that its engine's publisher connects to is one, and its old self may take an hour to finish.
    /// </summary>
    [Fact]
    public async Task A_replica_that_comes_back_while_its_old_self_finishes_is_the_one_that_hears_its_engine()
    {
        await using var engine = Personality.Vllm.Start();
        await using var other = Personality.Vllm.Start();
        var port = LastingPort.Next();
        // The clock runs while the port is waited for, and the stream that is open says nothing meanwhile.
        var patient = new TimeoutsConfig { BetweenBytes = TimeSpan.FromHours(9) };
        await using var gateway = await RunningGateway.StartAsync(
            d => d with { Pools = [d.Pools[0] with { Replicas = [Heard()], Timeouts = patient }] }, engine);
        await WhenHeardAsync();
        var gate = new Gate();
        engine.On("POST /v1/messages", Script.EventsHead().SendChunk(Messages[0]).Pass(gate).Reset());
        await using var open = await BeginAsync(gateway);
        Put(new ReplicaConfig { Url = other.Url, Name = "other" });
        Put(Heard());
        await WhenHeardAsync();
        Assert.Equal(1, (await gateway.AdminAsync("/admin/fleet")).GetProperty("pools")[0]
            .GetProperty("in_flight").GetInt64());
        gate.Open();
        await open.ReadToEndAsync();

        ReplicaConfig Heard() => new()
        {
            Url = engine.Url, Name = "r0", KvEvents = new KvEventsConfig { Endpoint = $"tcp://*:{port}" },
        };

        void Put(ReplicaConfig replica) => Assert.Empty(gateway.Source.Apply(
            gateway.Source.Document with
            {
                Pools = [gateway.Source.Document.Pools[0] with { Replicas = [replica] }],
            },
            SecretValues.None));

        // A publisher that is none is a fault of the replica that hears it.
        async Task WhenHeardAsync()
        {
            while (RunningGateway.Replicas(await gateway.AdminAsync("/admin/fleet")).Single()
                .GetProperty("cache_events").GetProperty("faults").GetInt64() == 0)
            {
                RunningGateway.Guard.ThrowIfCancellationRequested();
                gateway.Clock.Advance(TimeSpan.FromMilliseconds(100));
                using var publisher = new TcpClient();
                try
                {
                    await publisher.ConnectAsync(IPAddress.Loopback, port, RunningGateway.Guard);
                    await publisher.GetStream().WriteAsync(new byte[64], RunningGateway.Guard);
                }
                catch (Exception e) when (e is SocketException or IOException)
                {
                    // Not bound, or cut off already.
                }
            }
        }
    }

    [Fact]
    public async Task A_bad_edit_changes_nothing_and_shows()
    {
        await using var engine = Personality.Vllm.Start();
        Write(engine);
        using var file = Open();
        await using var gateway = await StartAsync(file);
        await File.AppendAllTextAsync(FilePath, "\nserver: {prot: 1}\n", RunningGateway.Guard);
        file.Look();
        var status = await gateway.AdminAsync("/admin/config");
        Assert.Equal(1, status.GetProperty("version").GetInt64());
        Assert.Contains("server.prot", Assert.Single(status.GetProperty("errors").EnumerateArray()).GetString());
        Assert.Equal(200, (await gateway.AskAsync(
            Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false))).Status);
        Write(engine);
        file.Look();
        Assert.Empty((await gateway.AdminAsync("/admin/config")).GetProperty("errors").EnumerateArray());
    }

    private static string LongPrompt { get; } = Bodies.Of(Dialect.Anthropic, stream: false)
        .Replace("Say hello", string.Concat(Enumerable.Repeat("Say hello. ", 300)), StringComparison.Ordinal);

    private static async Task<StreamReading> BeginAsync(RunningGateway gateway)
    {
        var client = new StreamReading(await gateway.SendAsync(
            Bodies.Messages, LongPrompt.Replace("64,", "64,\"stream\":true,", StringComparison.Ordinal)));
        await client.ReadAsync(Messages[0]);
        return client;
    }

    private static void Apply(
        RunningGateway gateway, string policy, params (ScriptedEngine Engine, string Name)[] to) =>
        Assert.Empty(gateway.Source.Apply(
            gateway.Source.Document with
            {
                Pools =
                [
                    gateway.Source.Document.Pools[0] with
                    {
                        Policy = policy,
                        Replicas = [.. to.Select(e => new ReplicaConfig { Url = e.Engine.Url, Name = e.Name })],
                    },
                ],
            },
            SecretValues.None));

    private ConfigFile Open()
    {
        var (file, errors) = ConfigFile.Open(FilePath, null, TimeProvider.System, NullLoggerFactory.Instance);
        Assert.Empty(errors);
        return file!;
    }

    private static Task<RunningGateway> StartAsync(ConfigFile file)
    {
        var clock = new ManualClock();
        clock.Advance(TimeSpan.FromHours(1));
        return RunningGateway.StartAsync(file.Source, clock);
    }

    private void Write(params ScriptedEngine[] engines) => File.WriteAllText(
        FilePath,
        $"""
        models:
          - id: {RunningGateway.Model}
        pools:
          - name: main
            model: {RunningGateway.Model}
            replicas: [{string.Join(", ", engines.Select(e => $"'{e.Url}'"))}]
        keys:
          - id: k1
            admin: true
            secret:
              sha256: {RunningGateway.Sha256(RunningGateway.Key)}
        """);
}
