using System.Net.Http.Json;
using System.Text.Json;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>What the gateway expects to be in the caches of real llama-servers, and what they say was.</summary>
public class PredictionTests
{
    private const int Turns = 6;

    /// <summary>A block of the gateway's own: 256 bytes of prompt.</summary>
    private const int BlockTokens = 64;

    [Fact]
    public async Task Predictions_agree_with_cached_tokens_on_conversations_of_several_turns()
    {
        var reason = await RealEngine.WhyUnavailable();
        Assert.SkipWhen(reason is not null, reason ?? "");
        await using var one = await RealEngine.Start();
        await using var two = await RealEngine.Start();
        await using var gateway = await GatewayProcess.Start(
            "--engine", one.Url.ToString(), "--engine", two.Url.ToString());
        var pairs = await ConverseAsync(gateway, conversations: 3);
        await gateway.Stop();
        AssertAgree(pairs);
    }

    /// <summary>Two of the conversations have a slot; what the others find comes back from the host's memory, of which
    /// the engine says nothing: the first to come back show it.</summary>
    [Fact]
    public async Task Predictions_agree_once_an_engine_was_seen_to_keep_prompts_in_the_hosts_memory()
    {
        const int Conversations = 4;
        const int Shown = 3;
        var reason = await RealEngine.WhyUnavailable();
        Assert.SkipWhen(reason is not null, reason ?? "");
        await using var engine = await RealEngine.Start(slots: 2, hostMegabytes: 512);
        await using var gateway = await GatewayProcess.Start("--engine", engine.Url.ToString());
        var pairs = await ConverseAsync(gateway, Conversations);
        await gateway.Stop();
        AssertAgree(pairs[(Conversations + Shown)..]);
    }

    private static void AssertAgree(List<(long Predicted, long Cached)> pairs)
    {
        var predicted = pairs.Sum(p => p.Predicted);
        var cached = pairs.Sum(p => p.Cached);
        TestContext.Current.SendDiagnosticMessage(string.Join(", ", pairs));
        Assert.InRange(cached, 3_000, long.MaxValue);
        Assert.InRange(predicted, cached * 0.95, cached * 1.05);
        var near = pairs.Count(p => Math.Abs(p.Predicted - p.Cached) <= BlockTokens);
        Assert.InRange(near, pairs.Count * 0.95, pairs.Count);
    }

    /// <summary>The conversations take turns; each sends its whole past with every turn.</summary>
    private static async Task<List<(long Predicted, long Cached)>> ConverseAsync(
        GatewayProcess gateway, int conversations)
    {
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Add("x-api-key", gateway.Key);
        client.DefaultRequestHeaders.Add("anthropic-version", "2023-06-01");
        var pasts = Enumerable.Range(0, conversations).Select(_ => new List<object>()).ToArray();
        List<(long, long)> pairs = [];
        for (var turn = 0; turn < Turns; turn++)
        {
            for (var who = 0; who < conversations; who++)
            {
                pasts[who].Add(new { role = "user", content = Words((who * 100) + turn, 60) });
                var (answer, decision) = await AskAsync(client, gateway, who, pasts[who]);
                pasts[who].Add(new { role = "assistant", content = answer.GetProperty("content") });
                pairs.Add((
                    decision.GetProperty("predicted_cached_tokens").GetInt64(),
                    answer.GetProperty("usage").GetProperty("cache_read_input_tokens").GetInt64()));
            }
        }

        return pairs;
    }

    private static async Task<(JsonElement Answer, JsonElement Decision)> AskAsync(
        HttpClient client, GatewayProcess gateway, int who, List<object> past)
    {
        var stop = TestContext.Current.CancellationToken;
        var body = new { model = "default", max_tokens = 12, system = Words(who + 7_000, 120), messages = past };
        using var response = await client.PostAsJsonAsync(new Uri(gateway.Url, "/v1/messages"), body, stop);
        response.EnsureSuccessStatusCode();
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(stop);
        var id = response.Headers.GetValues("penstock-decision-id").Single();
        var decision = await client.GetFromJsonAsync<JsonElement>(
            new Uri(gateway.AdminUrl, $"/admin/decisions/{id}"), stop);
        return (answer, decision);
    }

    private static string Words(int seed, int count)
    {
        var random = new Random(seed);
        return string.Join(' ', Enumerable.Range(0, count).Select(_ =>
            new string((char)('a' + random.Next(26)), random.Next(1, 9))));
    }
}
