using System.Net;
using System.Text;
using System.Text.Json;
using Penstock.Cli.Engine;

namespace Penstock.Gateway.Tests.SimulatedEngine;

public sealed class BadInputTests
{
    [Theory]
    [InlineData("{", "JSON decode error")]
    [InlineData("[]", "valid dictionary")]
    [InlineData("""{"model":"m"}""", "messages: Field required")]
    [InlineData("""{"model":"m","messages":[]}""", "at least 1 item")]
    [InlineData("""{"model":"m","messages":"hi"}""", "messages: Input should be a valid list")]
    [InlineData("""{"model":"m","messages":[1]}""", "role")]
    [InlineData("""{"model":7,"messages":[{"role":"user","content":"x"}]}""", "model: Input should be a valid string")]
    [InlineData("""{"model":"m","stream":1,"messages":[{"role":"user","content":"x"}]}""", "stream: Input")]
    [InlineData("""{"model":"m","max_tokens":0,"messages":[{"role":"user","content":"x"}]}""", "max_tokens must be")]
    [InlineData("""{"model":"m","max_tokens":1e99,"messages":[{"role":"user","content":"x"}]}""", "valid integer")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"\ud800"}]}""", "not valid Unicode")]
    [InlineData("""{"model":"m","tools":5,"messages":[{"role":"user","content":"x"}]}""", "tools: Input")]
    public async Task A_bad_body_is_refused_in_the_shape_of_both_dialects(string body, string expected)
    {
        await using var server = await EngineServer.StartAsync();

        var chat = await server.JsonAsync("/v1/chat/completions", body, HttpStatusCode.BadRequest);
        var messages = await server.JsonAsync("/v1/messages", body, HttpStatusCode.BadRequest);

        Assert.Contains(expected, chat.GetProperty("error").GetProperty("message").GetString());
        Assert.Equal(400, chat.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("error", messages.GetProperty("type").GetString());
        Assert.NotEmpty(messages.GetProperty("error").GetProperty("message").GetString()!);
    }

    [Theory]
    [InlineData("required")]
    [InlineData("""{"type":"function","function":{"name":"absent"}}""")]
    public async Task A_tool_choice_without_that_tool_is_refused(string choice)
    {
        await using var server = await EngineServer.StartAsync();
        var json = choice.StartsWith('{') ? choice : $"\"{choice}\"";

        var error = await server.JsonAsync(
            "/v1/chat/completions",
            $$"""{"model":"m","tool_choice":{{json}},"messages":[{"role":"user","content":"x"}]}""",
            HttpStatusCode.BadRequest);

        Assert.Equal("tool_choice", error.GetProperty("error").GetProperty("param").GetString());
    }

    [Fact]
    public async Task A_body_that_is_not_utf8_and_one_that_nests_too_deep_are_refused()
    {
        await using var server = await EngineServer.StartAsync();
        var deep = new StringBuilder().Append("{\"a\":").Append('[', 1000).Append(']', 1000).Append('}').ToString();
        using var broken = new ByteArrayContent([.. "{\""u8, 0xFF, .. "\":1}"u8]);

        using var response = await server.Client.PostAsync(
            new Uri("/v1/messages", UriKind.Relative), broken, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        await server.JsonAsync("/v1/messages", deep, HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task An_unknown_model_is_not_found_unless_every_model_or_its_prefix_is_served()
    {
        const string Body = """{"model":"claude-x","max_tokens":4,"messages":[{"role":"user","content":"x"}]}""";
        await using var strict = await EngineServer.StartAsync();
        await using var prefix = await EngineServer.StartAsync(
            EngineServer.Options with { ModelPrefixes = ["claude-"] });
        await using var any = await EngineServer.StartAsync(EngineServer.Options with { AnyModel = true });

        var chat = await strict.JsonAsync("/v1/chat/completions", Body, HttpStatusCode.NotFound);
        var messages = await strict.JsonAsync("/v1/messages", Body, HttpStatusCode.NotFound);
        await strict.JsonAsync("/v1/messages/count_tokens", Body, HttpStatusCode.NotFound);
        var served = await prefix.JsonAsync("/v1/messages", Body);
        await any.JsonAsync("/v1/chat/completions", Body);

        Assert.Equal("The model `claude-x` does not exist.", Message(chat));
        Assert.Equal("NotFoundError", messages.GetProperty("error").GetProperty("type").GetString());
        Assert.Equal("claude-x", served.GetProperty("model").GetString());
    }

    [Fact]
    public async Task A_prompt_beyond_the_window_is_refused_with_the_size_of_both()
    {
        var profile = EngineServer.Options.Profile with { ModelLengthMax = 100 };
        await using var server = await EngineServer.StartAsync(EngineServer.Options with { Profile = profile });
        var content = string.Join(' ', Enumerable.Repeat("word", 120));

        var error = await server.JsonAsync(
            "/v1/chat/completions",
            $$"""{"model":"m","messages":[{"role":"user","content":"{{content}}"}]}""",
            HttpStatusCode.BadRequest);
        var fits = await server.JsonAsync(
            "/v1/chat/completions",
            """{"model":"m","max_tokens":128000,"ignore_eos":true,"messages":[{"role":"user","content":"hi"}]}""");

        Assert.Contains("maximum context length is 100 tokens", Message(error), StringComparison.Ordinal);
        Assert.Equal(100, fits.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Theory]
    [InlineData("GET", "/v1/messages", HttpStatusCode.MethodNotAllowed)]
    [InlineData("POST", "/health", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/nowhere", HttpStatusCode.NotFound)]
    public async Task A_wrong_path_or_method_is_refused(string method, string path, HttpStatusCode status)
    {
        await using var server = await EngineServer.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await server.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task A_port_that_is_taken_and_options_that_cannot_be_are_reported()
    {
        await using var server = await EngineServer.StartAsync();
        var taken = EngineServer.Options with { Port = server.Client.BaseAddress!.Port };

        var cancellation = TestContext.Current.CancellationToken;

        await Assert.ThrowsAsync<IOException>(() => SimulatedEngineHost.StartAsync([taken], cancellation));
        var nameless = EngineServer.Options with { Models = [] };
        await Assert.ThrowsAsync<ArgumentException>(() => SimulatedEngineHost.StartAsync([nameless], cancellation));
    }

    private static string Message(JsonElement error) =>
        error.GetProperty("error").GetProperty("message").GetString()!;
}
