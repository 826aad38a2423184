using System.Globalization;
using System.Text.Json;
using Penstock.Core.Config;
using Penstock.Gateway.Tests.Requests;
using Penstock.Gateway.Tests.SimulatedEngine;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>Predictions of the running gateway beside what simulated engines find, over real sockets, where the work is
/// three times the caches and one batch of events of a hundred is lost.</summary>
public sealed class AccuracyTests
{
    private const int Conversations = 24;
    private const int Turns = 5;
    private const int BlockTokens = 16;

    /// <summary>Tokens of one cache: a third of what all conversations come to, over two engines.</summary>
    private const int CacheTokens = 2_496;

    private readonly List<string>[] _said = [.. Enumerable.Range(0, Conversations).Select(_ => new List<string>())];
    private readonly Random _random = new(7);

    [Theory]
    [InlineData(KnownNames.KeysBytes)]
    [InlineData(KnownNames.KeysTokens)]
    public async Task Predicts_what_engines_find(string keys)
    {
        var options = EventedFleet.Publisher(KvDialect.VllmMaps) with { KvTokens = CacheTokens };
        await using var fleet = await EventedFleet.StartAsync(
            [options, options], pool => pool with { Policy = "penstock", PrefixKeys = keys });
        await fleet.WhenAsync(f => EventedFleet.State(f) == "live" && EventedFleet.State(f, 1) == "live");
        foreach (var engine in fleet.Engines)
        {
            await engine.JsonAsync("/faults", """{"event_loss_rate":0.01}""");
        }

        var compared = new List<(long Predicted, long Cached)>();
        for (var i = 0; i < Conversations * Turns; i++)
        {
            // Most go on from where they were a moment ago, as an agent does.
            var conversation = _random.Next(3) > 0 && i > 0 ? i / 3 % Conversations : _random.Next(Conversations);
            compared.Add(await AskAsync(fleet, conversation));
            fleet.Gateway.Clock.Advance(TimeSpan.FromMilliseconds(60));
        }

        // The first ones teach the lengths of prompts.
        compared = compared[Conversations..];
        var (predicted, cached) = (compared.Sum(c => c.Predicted), compared.Sum(c => c.Cached));
        var near = compared.Count(c => Math.Abs(c.Predicted - c.Cached) <= BlockTokens) / (double)compared.Count;
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{keys}: {compared.Count} requests, {cached} tokens cached, predicted {predicted}, near {near:P1}"));
        Assert.True(cached > compared.Count * 100);
        Assert.InRange(predicted, 0.95 * cached, 1.05 * cached);
        Assert.InRange(near, 0.95, 1);
    }

    private async Task<(long Predicted, long Cached)> AskAsync(EventedFleet fleet, int conversation)
    {
        var said = _said[conversation];
        if (said.Count > 2 * Turns)
        {
            said.Clear();
        }

        said.Add(EventedFleet.Words($"{conversation} {_random.Next()}", 40 + _random.Next(120)));
        var messages = said.Select((text, i) => new { role = i % 2 == 0 ? "user" : "assistant", content = text });
        var answer = await fleet.Gateway.AskAsync("/v1/chat/completions", JsonSerializer.Serialize(
            new { model = "m", max_tokens = 24, ignore_eos = true, messages }));
        Assert.Equal(200, answer.Status);
        said.Add(answer.Json().GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!);
        var decision = (await fleet.Gateway.DecisionsAsync())[^1];
        return (decision.GetProperty("predicted_cached_tokens").GetInt64(), EventedFleet.Cached(answer.Json()));
    }
}
