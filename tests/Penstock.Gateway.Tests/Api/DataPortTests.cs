using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Api;

/// <summary>The door: keys, versions, paths, models, and the errors of each dialect.</summary>
public class DataPortTests
{
    private static readonly string Good = Bodies.Of(Dialect.Anthropic, stream: false);

    [Theory]
    [InlineData("2023-06-01", "x-api-key", RunningGateway.Key)]
    [InlineData("2026-10-21", "x-api-key", RunningGateway.Key)]
    [InlineData("2023-06-01", "authorization", "Bearer " + RunningGateway.Key)]
    [InlineData("2026-10-21", "authorization", "bearer " + RunningGateway.Key)]
    public async Task Both_versions_and_both_ways_to_send_a_key_are_served(string version, string header, string value)
    {
        await using var engine = Personality.Anthropic.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        gateway.Client.DefaultRequestHeaders.Clear();
        var answer = await gateway.AskAsync(
            Bodies.Messages + "?beta=true", Good, ("anthropic-version", version), (header, value));
        Assert.Equal(200, answer.Status);
        Assert.StartsWith("req_", answer.Header("request-id"));
        var received = engine.To("POST /v1/messages").Last();
        Assert.Equal(version, received.Header("anthropic-version"));
        Assert.Equal("/v1/messages", received.Target);
    }

    [Theory]
    [InlineData(Bodies.Messages, "request-id")]
    [InlineData(Bodies.Count, "request-id")]
    [InlineData(Bodies.Chat, "x-request-id")]
    public async Task Without_a_key_that_is_known_nothing_is_served(string path, string id)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        gateway.Client.DefaultRequestHeaders.Clear();
        foreach (var key in new[] { "", "wrong", RunningGateway.Key + "x", RunningGateway.Key[..^1] })
        {
            (string, string)[] headers = key.Length == 0 ? [] : [("x-api-key", key)];
            var answer = await gateway.AskAsync(path, Good, headers);
            Assert.Equal((401, "authentication_error"), (answer.Status, answer.ErrorType));
            Assert.Equal("false", answer.Header("x-should-retry"));
            Assert.NotNull(answer.Header(id));
        }

        Assert.Empty(await gateway.DecisionsAsync());
    }

    [Theory]
    [InlineData("GET", Bodies.Messages, 405, "invalid_request_error")]
    [InlineData("PUT", Bodies.Chat, 405, "invalid_request_error")]
    [InlineData("DELETE", "/v1/models", 405, "invalid_request_error")]
    [InlineData("POST", "/v1/nothing", 404, "not_found_error")]
    [InlineData("GET", "/v1/messages/", 404, "not_found_error")]
    public async Task Unknown_paths_and_methods_are_told_apart(string method, string path, int status, string type)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Add("anthropic-version", "2023-06-01");
        using var response = await gateway.Client.SendAsync(request, RunningGateway.Guard);
        var answer = await Answer.ReadAsync(response);
        Assert.Equal((status, type), (answer.Status, answer.ErrorType));
        Assert.True(answer.Header("request-id") is not null || answer.Header("x-request-id") is not null);
        Assert.Equal(status == 405, response.Content.Headers.Allow.Count > 0);
    }

    [Fact]
    public async Task The_first_question_of_Claude_Code_is_answered_without_a_key()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        using var request = new HttpRequestMessage(HttpMethod.Head, "/api/hello");
        gateway.Client.DefaultRequestHeaders.Clear();
        using var response = await gateway.Client.SendAsync(request, RunningGateway.Guard);
        Assert.Equal(200, (int)response.StatusCode);
        Assert.True(response.Headers.Contains("request-id"));
    }

    [Fact]
    public async Task Models_are_listed_in_the_dialect_of_the_caller()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(ThreeModels, engine);
        var openAi = await GetAsync(gateway, "/v1/models");
        Assert.Equal("list", openAi.Json().GetProperty("object").GetString());
        Assert.Equal(["claude-test", "second", "third"], Ids(openAi));
        Assert.NotNull(openAi.Header("x-request-id"));
        var page = await GetAsync(gateway, "/v1/models?limit=2", "2023-06-01");
        Assert.Equal(["claude-test", "second"], Ids(page));
        Assert.True(page.Json().GetProperty("has_more").GetBoolean());
        Assert.Equal("second", page.Json().GetProperty("last_id").GetString());
        Assert.NotNull(page.Header("request-id"));
        var rest = await GetAsync(gateway, "/v1/models?after_id=second", "2023-06-01");
        Assert.Equal(["third"], Ids(rest));
        Assert.False(rest.Json().GetProperty("has_more").GetBoolean());
        Assert.Equal(["claude-test"], Ids(await GetAsync(gateway, "/v1/models?before_id=second", "2023-06-01")));
    }

    [Fact]
    public async Task One_model_is_found_by_id_and_by_alias()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        foreach (var name in new[] { RunningGateway.Model, "alias" })
        {
            var model = (await GetAsync(gateway, $"/v1/models/{name}", "2026-10-21")).Json();
            Assert.Equal(RunningGateway.Model, model.GetProperty("id").GetString());
            Assert.Equal("model", model.GetProperty("type").GetString());
            var openAi = (await GetAsync(gateway, $"/v1/models/{name}")).Json();
            Assert.Equal("model", openAi.GetProperty("object").GetString());
        }

        var unknown = await GetAsync(gateway, "/v1/models/nope", "2023-06-01");
        Assert.Equal((404, "not_found_error"), (unknown.Status, unknown.ErrorType));
    }

    [Theory]
    [InlineData(Dialect.Anthropic)]
    [InlineData(Dialect.OpenAiChat)]
    public async Task An_unknown_model_goes_to_the_default_one_or_is_refused(Dialect dialect)
    {
        await using var engine = Personality.Vllm.Start();
        var body = Bodies.Of(dialect, stream: false, model: "unheard-of");
        await using (var strict = await RunningGateway.StartAsync(engine))
        {
            var refused = await strict.AskAsync(Bodies.PathOf(dialect), body);
            Assert.Equal(404, refused.Status);
            Assert.Contains("model: unheard-of", refused.Text);
            Assert.Contains(dialect == Dialect.Anthropic ? "not_found_error" : "model_not_found", refused.Text);
        }

        await using var lenient = await RunningGateway.StartAsync(
            d => d with { DefaultModel = RunningGateway.Model }, engine);
        var answer = await lenient.AskAsync(Bodies.PathOf(dialect), body);
        Assert.Equal((200, RunningGateway.Model), (answer.Status, answer.Header("penstock-model")));
        Assert.Contains($"\"{RunningGateway.Model}\"", engine.Requests[^1].BodyText);
    }

    [Fact]
    public async Task A_key_sees_and_uses_the_models_it_may()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(
            d => ThreeModels(d) with { Keys = [d.Keys[0], Narrow()] }, engine);
        gateway.Client.DefaultRequestHeaders.Remove("x-api-key");
        gateway.Client.DefaultRequestHeaders.Add("x-api-key", "narrow-key");
        Assert.Equal(["second"], Ids(await GetAsync(gateway, "/v1/models")));
        Assert.Equal(404, (await GetAsync(gateway, $"/v1/models/{RunningGateway.Model}")).Status);
        var refused = await gateway.AskAsync(Bodies.Messages, Good);
        Assert.Equal((403, "permission_error"), (refused.Status, refused.ErrorType));
        Assert.Empty(await gateway.DecisionsAsync());
    }

    private static KeyConfig Narrow() => new()
    {
        Id = "narrow",
        Models = ["second"],
        Secret = new KeySecretConfig { Sha256 = RunningGateway.Sha256("narrow-key") },
    };

    private static PenstockConfig ThreeModels(PenstockConfig document) => document with
    {
        Models = [document.Models[0], new ModelConfig { Id = "second" }, new ModelConfig { Id = "third" }],
        Pools =
        [
            document.Pools[0],
            document.Pools[0] with { Name = "two", Model = "second" },
            document.Pools[0] with { Name = "three", Model = "third" },
        ],
    };

    private static async Task<Answer> GetAsync(RunningGateway gateway, string path, string? version = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (version is not null)
        {
            request.Headers.Add("anthropic-version", version);
        }

        using var response = await gateway.Client.SendAsync(request, RunningGateway.Guard);
        return await Answer.ReadAsync(response);
    }

    private static string[] Ids(Answer list) =>
        [.. list.Json().GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()!)];
}
