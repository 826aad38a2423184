using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Penstock.Gateway.Tests.Clients;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;
using ScriptedEngine = Penstock.Tests.Shared.ScriptedEngine;

namespace Penstock.Gateway.Tests.Serving;

/// <summary>How <c>penstock serve</c> starts: with nothing given, with engines given, and when it cannot.</summary>
public sealed class StartTests : IDisposable
{
    private const string Hello =
        """{"model":"claude-x","max_tokens":16,"messages":[{"role":"user","content":"hi"}]}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_nothing_given_it_serves_a_demo_that_is_said_to_be_simulated_everywhere()
    {
        await using var serve = await ServeProcess.StartAsync(_folder.Path);
        TestContext.Current.TestOutputHelper?.WriteLine($"started in {serve.StartedIn.TotalSeconds:0.00} s");

        using var answer = await serve.PostAsync("/v1/messages", Hello);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        var models = await serve.Client.GetStringAsync("/v1/models", Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("simulated", text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("simulated", models, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("claude-simulated", answer.Headers.GetValues("penstock-model").Single());

        serve.Signal(ServeProcess.Terminate);
        Assert.Equal(0, await serve.EndAsync());
        var url = serve.Client.BaseAddress!.OriginalString;
        Assert.Contains("SIMULATED", serve.Output, StringComparison.Ordinal);
        Assert.Contains($"curl {url}/v1/messages -H 'x-api-key: {serve.Key}'", serve.Output, StringComparison.Ordinal);
        Assert.Contains(
            $"export ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY={serve.Key}", serve.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_key_is_its_owners_alone_and_the_same_at_the_next_start()
    {
        await using var first = await ServeProcess.StartAsync(_folder.Path);
        first.Signal(ServeProcess.Terminate);
        Assert.Equal(0, await first.EndAsync());
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite,
                File.GetUnixFileMode(_folder.File(".penstock/key")));
        }

        await using var second = await ServeProcess.StartAsync(_folder.Path);
        Assert.NotEqual("", first.Key);
        Assert.Equal(first.Key, second.Key);
        using var models = await second.Client.GetAsync("/v1/models", Cancellation);
        Assert.Equal(HttpStatusCode.OK, models.StatusCode);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_said_plainly()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var ended = await ServeProcess.RunAsync(_folder.Path, "serve", "--port", $"{port}", "--admin-port", "0");
        HasFailedPlainly(ended, $"{port}");
    }

    [Fact]
    public async Task A_second_process_on_one_data_folder_is_refused()
    {
        await using var first = await ServeProcess.StartAsync(_folder.Path);
        var ended = await ServeProcess.RunAsync(_folder.Path, "serve", "--port", "0", "--admin-port", "0");
        HasFailedPlainly(ended, ".penstock");
    }

    [Fact]
    public async Task An_engine_that_is_not_there_is_named()
    {
        var url = DeadUrl();
        var ended = await ServeProcess.RunAsync(_folder.Path, "serve", "--port", "0", "--engine", url);
        HasFailedPlainly(ended, url);
    }

    [Fact(Timeout = 120_000)]
    public async Task An_engine_that_comes_up_later_joins_the_one_that_was_there()
    {
        await using var live = Personality.Vllm.Start();
        await using var late = Personality.Vllm.Start();
        late.OnConnect = Script.Empty.Close();
        await using var serve = await ServeProcess.StartAsync(
            _folder.Path, "--engine", $"{live.Url}", "--engine", $"{late.Url}");
        Assert.Contains($"{late.Url.Port}", serve.Errors, StringComparison.Ordinal);
        await AskAsync(serve, HttpStatusCode.OK);

        late.OnConnect = Script.Empty;
        for (var i = 0; !late.To("POST /v1/messages").Any(r => r.Body.Length > 2); i++)
        {
            // Each time another prompt, or it would go where the last one is cached.
            await AskAsync(serve, HttpStatusCode.OK, prompt: $"{i}");
        }
    }

    [Fact]
    public async Task With_strict_models_an_unknown_model_is_not_found_in_either_dialect()
    {
        await using var engine = Personality.Vllm.Start();
        await using var serve = await ServeProcess.StartAsync(
            _folder.Path, "--engine", $"{engine.Url}", "--strict-models");
        var anthropic = await AskAsync(serve, HttpStatusCode.NotFound);
        Assert.Equal("not_found_error", anthropic.GetProperty("error").GetProperty("type").GetString());
        var openAi = await AskAsync(serve, HttpStatusCode.NotFound, "/v1/chat/completions");
        Assert.Equal("model_not_found", openAi.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_document_with_errors_is_refused_with_all_of_them()
    {
        await File.WriteAllTextAsync(
            _folder.File("bad.yaml"),
            """
            models: [{ id: a }]
            pools:
              - { name: p, model: nowhere, replicas: [http://127.0.0.1:1] }
              - { name: q, model: a, replicas: [not-a-url] }
            colour: green
            """,
            Cancellation);
        var ended = await ServeProcess.RunAsync(_folder.Path, "serve", "--config", "bad.yaml");
        HasFailedPlainly(ended, "bad.yaml");
        Assert.Contains("nowhere", ended.Errors, StringComparison.Ordinal);
        Assert.Contains("not-a-url", ended.Errors, StringComparison.Ordinal);
        Assert.Contains("colour", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_folder_that_is_a_file_is_said_plainly()
    {
        await File.WriteAllTextAsync(_folder.File("data"), "", Cancellation);
        HasFailedPlainly(await ServeProcess.RunAsync(_folder.Path, "serve", "--port", "0", "--data", "data"), "data");
    }

    private static async Task<JsonElement> AskAsync(
        ServeProcess serve, HttpStatusCode expected, string path = "/v1/messages", string prompt = "hi")
    {
        using var answer = await serve.PostAsync(path, Hello.Replace("hi", prompt, StringComparison.Ordinal));
        var body = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.StatusCode == expected, $"{answer.StatusCode}: {body}");
        return JsonDocument.Parse(body).RootElement;
    }

    private static void HasFailedPlainly(CommandResult ended, string named)
    {
        Assert.True(ended.ExitCode == 1, $"exit {ended.ExitCode}: {ended.Output}{ended.Errors}");
        Assert.Contains("penstock: ", ended.Errors, StringComparison.Ordinal);
        Assert.Contains(named, ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("bug", ended.Errors, StringComparison.Ordinal);
        Assert.Equal("", ended.Output);
    }

    private static string DeadUrl() => $"http://127.0.0.1:{LastingPort.Next()}";
}
