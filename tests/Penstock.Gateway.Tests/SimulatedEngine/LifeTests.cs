using System.Net;
using Penstock.Cli.Engine;
using Penstock.Simulator.Faults;
using Penstock.Simulator.Replicas;

namespace Penstock.Gateway.Tests.SimulatedEngine;

/// <summary>
/// What happens around answers: clients that leave, faults, load, and what the engine tells about itself.
/// </summary>
public sealed class LifeTests
{
    private const string Endless =
        """
        {"model":"m","max_tokens":200000,"ignore_eos":true,"stream":true,"messages":[{"role":"user","content":"hi"}]}
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_leaves_frees_its_memory(bool stream)
    {
        await using var server = await EngineServer.StartAsync(EngineServer.Options with { TimeScale = 1 });
        using var leave = new CancellationTokenSource();
        var body = stream ? Endless : Endless.Replace("true,\"mess", "false,\"mess", StringComparison.Ordinal);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(body),
        };
        var sending = server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leave.Token);
        await UntilAsync(server, "vllm:num_requests_running", 1);
        Assert.NotEqual(0, await MetricAsync(server, "vllm:kv_cache_usage_perc"));

        if (stream)
        {
            (await sending).Dispose();
        }
        else
        {
            await leave.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        }

        await UntilAsync(server, "vllm:num_requests_running", 0);
        Assert.Equal(0, await MetricAsync(server, "vllm:kv_cache_usage_perc"));
        Assert.Contains("finished_reason=\"abort\"} 1.0", await server.TextAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Faults_are_switched_on_and_off_while_it_runs()
    {
        await using var server = await EngineServer.StartAsync();
        const string Body = """{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}""";

        await server.JsonAsync("/faults", """{"error_rate":1}""");
        var error = await server.JsonAsync("/v1/messages", Body, HttpStatusCode.InternalServerError);
        var wrong = await server.JsonAsync("/faults", """{"error_rate":2}""", HttpStatusCode.BadRequest);
        await server.JsonAsync("/faults", """{"no_such_switch":2}""", HttpStatusCode.BadRequest);
        var healed = await server.JsonAsync("/faults", "{}");
        await server.JsonAsync("/v1/messages", Body);

        Assert.Equal("InternalServerError", error.GetProperty("error").GetProperty("type").GetString());
        Assert.Contains("error_rate", wrong.GetProperty("error").GetProperty("message").GetString());
        Assert.Equal(0, healed.GetProperty("error_rate").GetDouble());
        Assert.Equal(1, healed.GetProperty("latency_factor").GetDouble());
        Assert.Equal(30, healed.GetProperty("stall_seconds").GetDouble());
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(3, 3)]
    [InlineData(9, 9)]
    public async Task A_connection_is_cut_after_the_tokens_it_was_told(int after, int deltas)
    {
        var faults = new EngineFaults { DieAfterTokens = after };
        await using var server = await EngineServer.StartAsync(EngineServer.Options with { Faults = faults });
        using var response = await server.PostAsync(
            "/v1/messages",
            """{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}""",
            stream: true);
        await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        using var reader = new StreamReader(body);
        List<string> lines = [];

        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                lines.Add(line);
            }
        });

        Assert.Equal(deltas, lines.Count(line => line == "event: content_block_delta"));
        Assert.DoesNotContain("event: message_stop", lines);
    }

    [Fact]
    public async Task An_answer_that_is_not_streamed_dies_without_a_word()
    {
        var faults = new EngineFaults { DieAfterTokens = 2 };
        await using var server = await EngineServer.StartAsync(EngineServer.Options with { Faults = faults });

        await Assert.ThrowsAsync<HttpRequestException>(() => server.PostAsync(
            "/v1/messages", """{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"""));
    }

    [Fact]
    public async Task A_stalled_stream_goes_on_where_it_stopped()
    {
        var faults = new EngineFaults { StallRate = 1, StallSeconds = 0.001 };
        await using var server = await EngineServer.StartAsync(EngineServer.Options with { Faults = faults });

        var events = await server.EventsAsync(
            "/v1/messages",
            """{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}""");

        Assert.Equal(9, events.Count(e => e.Name == "content_block_delta"));
        Assert.Equal("message_stop", events[^1].Name);
    }

    [Fact]
    public async Task Many_streams_at_once_all_get_their_whole_answer()
    {
        await using var server = await EngineServer.StartAsync();

        var streams = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => server.EventsAsync(
            "/v1/messages",
            $$"""
            {"model":"m","max_tokens":50,"ignore_eos":true,"stream":true,
             "messages":[{"role":"user","content":"question number {{i}}"}]}
            """)));

        Assert.All(streams, events => Assert.Equal(50, events.Count(e => e.Name == "content_block_delta")));
        Assert.Equal(300 * 50, await MetricAsync(server, "vllm:generation_tokens_total"));
        await UntilAsync(server, "vllm:num_requests_running", 0);
    }

    [Fact]
    public async Task It_tells_what_it_is_and_how_it_does_under_the_names_of_vllm()
    {
        await using var server = await EngineServer.StartAsync();
        await server.JsonAsync(
            "/v1/messages", """{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}""");

        var models = await server.TextAsync("/v1/models");
        var metrics = await server.TextAsync("/metrics");

        Assert.Contains("\"max_model_len\":262144", models, StringComparison.Ordinal);
        Assert.Contains("simulated", models, StringComparison.Ordinal);
        Assert.Equal("", await server.TextAsync("/health"));
        Assert.Contains("simulated", await server.TextAsync("/version"), StringComparison.Ordinal);
        Assert.Equal("{\"server_load\":0}", await server.TextAsync("/load"));
        Assert.Contains("num_gpu_blocks=\"32768\"", metrics, StringComparison.Ordinal);
        Assert.Equal(1, await MetricAsync(server, "vllm:time_to_first_token_seconds_count"));
        Assert.Equal(8, await MetricAsync(server, "vllm:inter_token_latency_seconds_count"));
        foreach (var name in new[]
        {
            "vllm:num_requests_waiting", "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total",
            "vllm:prompt_tokens_total", "vllm:num_preemptions_total", "vllm:e2e_request_latency_seconds_sum",
        })
        {
            Assert.Contains(name + "{engine=\"0\",model_name=\"m\"}", metrics, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Several_engines_in_one_host_keep_apart()
    {
        await using var host = await SimulatedEngineHost.StartAsync(
            [
                EngineServer.Options with { Models = ["one"] },
                EngineServer.Options with { Models = ["two"], Profile = ProfileCatalog.Find("demo-l40s")! },
            ],
            TestContext.Current.CancellationToken);
        using var client = new HttpClient();

        Assert.Equal(2, host.Urls.Distinct().Count());
        foreach (var (url, model, profile) in new[] { (host.Urls[0], "one", "h100"), (host.Urls[1], "two", "l40s") })
        {
            var models = await client.GetStringAsync(
                new Uri(url, "/v1/models"), TestContext.Current.CancellationToken);
            Assert.Contains($"\"id\":\"{model}\"", models, StringComparison.Ordinal);
            Assert.Contains(profile, models, StringComparison.Ordinal);
        }
    }

    private static async Task UntilAsync(EngineServer server, string metric, double value)
    {
        for (var look = 0; await MetricAsync(server, metric) != value; look++)
        {
            Assert.True(look < 20_000, $"{metric} never was {value}");
        }
    }

    private static async Task<double> MetricAsync(EngineServer server, string name)
    {
        var line = (await server.TextAsync("/metrics")).Split('\n')
            .Single(line => line.StartsWith(name + "{", StringComparison.Ordinal));
        return double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }
}
