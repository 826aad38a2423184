using System.Text.Json;
using Penstock.Core.Config;
using Penstock.Core.Recording;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Tests.CacheSync;
using Penstock.Gateway.Tests.CommandLine;
using Penstock.Gateway.Tests.Requests;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.Recording;

/// <summary>The decisions of the default policy, made from all that a gateway can know, replay too.</summary>
public sealed class EventedParityTests
{
    private const int Conversations = 8;
    private const int Rounds = 18;
    private const long CacheTokens = 24_000;

    private readonly List<string>[] _said = [.. Enumerable.Range(0, Conversations).Select(_ => new List<string>())];
    private readonly Random _random = new(11);

    /// <summary>Engines whose caches hold a part of the work and say what they store and lose, one batch of a hundred
    /// lost; one of them restarts, one leaves for another, and a log ends at its size.</summary>
    [Fact]
    public async Task Decisions_from_events_of_engines_that_evict_replay_over_reloads_and_from_states()
    {
        var options = EventedFleet.Publisher(KvDialect.VllmMaps) with { KvTokens = CacheTokens, TimeScale = 1000 };
        PoolConfig all = null!;
        await using var fleet = await EventedFleet.StartAsync(
            [options, options, options],
            pool =>
            {
                all = pool with { Policy = "penstock", PrefixKeys = KnownNames.KeysTokens };
                return all with { Replicas = [all.Replicas[0], all.Replicas[1]] };
            },
            new DecisionLogConfig { MaxSize = new ByteSize(16 << 20) });
        await fleet.WhenAsync(AreLive);
        foreach (var engine in fleet.Engines)
        {
            await engine.JsonAsync("/faults", """{"event_loss_rate":0.01}""");
        }

        await TalkAsync(fleet);
        var blocks = EventedFleet.Count(await fleet.Gateway.AdminAsync("/admin/fleet"), "blocks");
        Assert.InRange(blocks * 16, 2 * CacheTokens, long.MaxValue);
        await fleet.Engines[0].JsonAsync("/faults", """{"restart":true}""");
        Assert.Empty(fleet.Gateway.Source.Apply(
            fleet.Gateway.Source.Document with
            {
                Pools = [all with { Replicas = [all.Replicas[0], all.Replicas[2]] }],
            },
            SecretValues.None));
        await fleet.WhenAsync(AreLive);
        await TalkAsync(fleet);
        await fleet.Gateway.CloseBooksAsync();

        var run = await CommandRun.Of("replay", fleet.Gateway.Decisions, "--json");
        Assert.Equal((0, ""), (run.Code, run.Error));
        var logs = JsonElement.Parse(run.Output).GetProperty("logs").EnumerateArray().ToArray();
        var headers = logs
            .Select(l => PoolReplay.HeaderOf(File.ReadAllBytes(l.GetProperty("log").GetString()!))).ToArray();
        foreach (var (log, header) in logs.Zip(headers))
        {
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"{header.StateBytes} bytes of state, {log.GetProperty("decisions")} decisions, "
                + $"{log.GetProperty("events")} events");
        }

        Assert.Equal(2 * Conversations * Rounds, logs.Sum(l => l.GetProperty("decisions").GetInt64()));
        Assert.Equal([false, .. headers.Skip(1).Select(_ => true)], headers.Select(h => h.HasCheckpoint));
        Assert.Contains(headers.Skip(1).Zip(headers), h => h.First.Replicas.SequenceEqual(h.Second.Replicas));
        Assert.Contains(headers.Skip(1).Zip(headers), h => !h.First.Replicas.SequenceEqual(h.Second.Replicas));

        // Beside the first token and the end of each request, what the engines said of their caches and loads.
        Assert.True(logs.Sum(l => l.GetProperty("events").GetInt64()) > 4 * 2 * Conversations * Rounds);
    }

    private static bool AreLive(JsonElement fleet) =>
        RunningGateway.Replicas(fleet).All(r => r.GetProperty("engine").GetString() is not null)
        && EventedFleet.State(fleet) == "live" && EventedFleet.State(fleet, 1) == "live";

    /// <summary>All conversations go on at once, again and again; one that is long begins anew.</summary>
    private async Task TalkAsync(EventedFleet fleet)
    {
        for (var round = 0; round < Rounds; round++)
        {
            await Task.WhenAll(_said.Select((said, c) => AskAsync(fleet, said, $"{c} {_random.Next()}")));
            fleet.Gateway.Clock.Advance(TimeSpan.FromMilliseconds(200));
        }
    }

    private static async Task AskAsync(EventedFleet fleet, List<string> said, string name)
    {
        if (said.Count > 10)
        {
            said.Clear();
        }

        said.Add(EventedFleet.Words(name, 2400));
        var messages = said.Select((text, i) => new { role = i % 2 == 0 ? "user" : "assistant", content = text });
        var answer = await fleet.Gateway.AskAsync("/v1/chat/completions", JsonSerializer.Serialize(
            new { model = "m", max_tokens = 16, ignore_eos = true, messages }));
        Assert.Equal(200, answer.Status);
        said.Add(answer.Json().GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!);
    }
}
