using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Penstock.Gateway.Tests.Clients;
using Penstock.Tests.Shared.Personalities;
using ScriptedEngine = Penstock.Tests.Shared.ScriptedEngine;

namespace Penstock.Gateway.Tests.Serving;

/// <summary>What an operator does with a running gateway: reports, explanations, edits of the document.</summary>
public sealed class OperatingTests : IAsyncDisposable
{
    private const string Key = "sk-operating";

    private const string Hello =
        """{"model":"test-model","max_tokens":16,"messages":[{"role":"user","content":"hi"}]}""";

    private readonly TemporaryFolder _folder = new();
    private readonly ScriptedEngine _engine = Personality.Vllm.Start();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    [Fact(Timeout = 120_000)]
    public async Task The_reports_of_a_running_gateway_come_as_text_and_as_one_json_document()
    {
        await using var serve = await ServeProcess.StartAsync(_folder.Path, "--engine", $"{_engine.Url}");
        using var answer = await serve.PostAsync("/v1/messages", Hello);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await answer.Content.ReadAsStringAsync(Cancellation);
        var decision = answer.Headers.GetValues("penstock-decision-id").Single();
        var request = answer.Headers.GetValues("request-id").Single();
        await WhenBookedAsync(serve, requests: 1);
        var admin = serve.Admin.BaseAddress!.OriginalString;

        var usage = await JsonOfAsync("usage", "--admin-url", admin);
        Assert.Equal(1, usage.GetProperty("rows")[0].GetProperty("requests").GetInt64());
        Assert.Equal(2, usage.GetProperty("rows")[0].GetProperty("output_tokens").GetInt64());
        var byDecision = await JsonOfAsync("explain", decision, "--admin-url", admin);
        var byRequest = await JsonOfAsync("explain", request, "--admin-url", admin);
        Assert.Equal(byDecision.GetRawText(), byRequest.GetRawText());
        Assert.Equal(request, byRequest.GetProperty("request_id").GetString());

        var text = await ServeProcess.RunAsync(_folder.Path, "explain", request, "--admin-url", admin);
        Assert.True(text.ExitCode == 0, text.Errors);
        Assert.Contains(decision, text.Output, StringComparison.Ordinal);
        var table = await ServeProcess.RunAsync(_folder.Path, "usage", "--admin-url", admin, "--by", "day");
        Assert.True(table.ExitCode == 0, table.Errors);
        Assert.Contains("Requests", table.Output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_report_that_cannot_be_had_is_one_json_document_too_and_exit_1()
    {
        await using var serve = await ServeProcess.StartAsync(_folder.Path, "--engine", $"{_engine.Url}");
        var admin = serve.Admin.BaseAddress!.OriginalString;
        string[][] commands =
        [
            ["explain", "dec_none", "--admin-url", admin, "--json"],
            ["usage", "--admin-url", admin, "--key", "wrong", "--json"],
            ["usage", "--admin-url", "http://127.0.0.1:1", "--json"],
        ];
        foreach (var command in commands)
        {
            var ended = await ServeProcess.RunAsync(_folder.Path, command);
            Assert.True(ended.ExitCode == 1, $"{string.Join(' ', command)}: exit {ended.ExitCode}\n{ended.Errors}");
            Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(ended.Output).RootElement.ValueKind);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task An_edit_takes_effect_when_saved_and_a_bad_one_is_reported_and_changes_nothing()
    {
        await SaveAsync(Document());
        await using var serve = await ServeProcess.StartAsync(_folder.Path, "--config", "penstock.yaml");
        serve.Use(Key);
        Assert.Equal(["test-model", "test-model-2"], await ModelsAsync(serve));

        await SaveAsync(Document("second"));
        await WhenConfigAsync(serve, c => c.GetProperty("version").GetInt64() == 2);
        Assert.Equal(["second", "test-model"], await ModelsAsync(serve));

        await SaveAsync(Document("third, colour: green"));
        var bad = await WhenConfigAsync(serve, c => c.GetProperty("errors").GetArrayLength() > 0);
        Assert.Equal(2, bad.GetProperty("version").GetInt64());
        Assert.Contains("colour", bad.GetProperty("errors")[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("colour", await serve.WhenSaidAsync("configuration: "), StringComparison.Ordinal);
        Assert.Equal(["second", "test-model"], await ModelsAsync(serve));

        await SaveAsync(Document("third"));
        await WhenConfigAsync(serve, c => c.GetProperty("errors").GetArrayLength() == 0);
        Assert.Equal(["test-model", "third"], await ModelsAsync(serve));
    }

    [Fact(Timeout = 120_000)]
    public async Task The_journal_is_as_large_as_the_document_says()
    {
        await SaveAsync(Document() + "\nledger: { journal_max: 64 MiB }");
        await using var serve = await ServeProcess.StartAsync(_folder.Path, "--config", "penstock.yaml");
        var metrics = await serve.Admin.GetStringAsync("/metrics", Cancellation);
        Assert.Matches(@"journal_size_limit\S* 67108864\b", metrics);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_engine_is_told_the_requests_id_unless_the_client_has_one_of_its_own()
    {
        await using var serve = await ServeProcess.StartAsync(_folder.Path, "--engine", $"{_engine.Url}");
        using var answer = await serve.PostAsync("/v1/messages", Hello);
        serve.Client.DefaultRequestHeaders.Add("x-request-id", "the-clients-own");
        using var second = await serve.PostAsync("/v1/messages", Hello);

        var told = _engine.To("POST /v1/messages").Where(r => r.BodyText.Contains("\"hi\"", StringComparison.Ordinal));
        Assert.Equal(
            [answer.Headers.GetValues("request-id").Single(), "the-clients-own"],
            told.Select(r => r.Header("x-request-id")));
    }

    private async Task<JsonElement> JsonOfAsync(params string[] command)
    {
        var ended = await ServeProcess.RunAsync(_folder.Path, [.. command, "--json"]);
        Assert.True(ended.ExitCode == 0, $"{string.Join(' ', command)}: exit {ended.ExitCode}\n{ended.Errors}");
        return JsonDocument.Parse(ended.Output).RootElement;
    }

    private static Task<JsonElement> WhenBookedAsync(ServeProcess serve, long requests) =>
        WhenAsync(serve, "/admin/usage", usage => requests <= usage.GetProperty("rows").EnumerateArray()
            .Sum(r => r.GetProperty("requests").GetInt64()));

    private static Task<JsonElement> WhenConfigAsync(ServeProcess serve, Func<JsonElement, bool> holds) =>
        WhenAsync(serve, "/admin/config", holds);

    private static async Task<JsonElement> WhenAsync(ServeProcess serve, string path, Func<JsonElement, bool> holds)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        JsonElement document;
        while (!holds(document = await serve.AdminAsync(path)))
        {
            await pause.WaitForNextTickAsync(Cancellation);
        }

        return document;
    }

    private static async Task<string[]> ModelsAsync(ServeProcess serve)
    {
        var list = JsonDocument.Parse(await serve.Client.GetStringAsync("/v1/models", Cancellation)).RootElement;
        return
        [
            .. list.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()!)
                .Order(StringComparer.Ordinal),
        ];
    }

    // As an editor saves: whole, under another name first.
    private async Task SaveAsync(string document)
    {
        await File.WriteAllTextAsync(_folder.File("new.yaml"), document, Cancellation);
        File.Move(_folder.File("new.yaml"), _folder.File("penstock.yaml"), overwrite: true);
    }

    private string Document(string second = "test-model-2")
    {
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Key)));
        var url = _engine.Url.OriginalString;
        return $$"""
            models: [{ id: test-model }, { id: {{second}} }]
            pools:
              - { name: main, model: test-model, replicas: [{{url}}] }
              - { name: more, model: {{second.Split(',')[0]}}, upstream_model: test-model, replicas: [{{url}}] }
            keys:
              - { id: operator, admin: true, secret: { sha256: {{sha256}} } }
            """;
    }
}
