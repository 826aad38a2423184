using System.Text;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Errors;

namespace Penstock.Wire.Tests.Errors;

public sealed class EngineErrorTests
{
    [Theory]
    [InlineData("""{"type":"error","error":{"type":"api_error","message":"broken"},"request_id":"r"}""", "broken")]
    [InlineData("""{"error":{"message":"broken","type":"x","param":null,"code":null}}""", "broken")]
    [InlineData("""{"object":"error","message":"broken","type":"Internal","code":500}""", "broken")]
    [InlineData("""{"error":"broken"}""", "broken")]
    [InlineData("""{"detail":"broken"}""", "broken")]
    [InlineData("""{"detail":[{"loc":["body"]}]}""", """[{"loc":["body"]}]""")]
    [InlineData("<html>broken</html>", "<html>broken</html>")]
    [InlineData("{\"error\":{\"mess", "{\"error\":{\"mess")]
    [InlineData("", "the engine answered with status 500")]
    [InlineData("7", "the engine answered with status 500")]
    public void Finds_the_message_in_every_known_shape(string body, string message)
    {
        var failure = EngineError.Read(500, Encoding.UTF8.GetBytes(body), Dialect.OpenAiChat);
        Assert.Equal(FailureKind.EngineFailed, failure.Kind);
        Assert.Equal(message, failure.Message);
    }

    [Theory]
    [InlineData(400, FailureKind.InvalidRequest)]
    [InlineData(422, FailureKind.InvalidRequest)]
    [InlineData(404, FailureKind.ModelNotFound)]
    [InlineData(413, FailureKind.TooLarge)]
    [InlineData(429, FailureKind.RateLimited)]
    [InlineData(500, FailureKind.EngineFailed)]
    [InlineData(503, FailureKind.Overloaded)]
    [InlineData(504, FailureKind.EngineTimeout)]
    [InlineData(529, FailureKind.Overloaded)]
    public void The_status_says_the_kind(int status, FailureKind kind) =>
        Assert.Equal(kind, EngineError.Read(status, "{}"u8, Dialect.Anthropic).Kind);

    [Fact]
    public void A_refused_gateway_key_is_not_blamed_on_the_caller_nor_shown()
    {
        var failure = EngineError.Read(401, """{"error":{"message":"bad key sk-1"}}"""u8, Dialect.Anthropic);
        Assert.Equal(FailureKind.EngineFailed, failure.Kind);
        Assert.DoesNotContain("sk-1", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens.",
        "prompt is too long: 5000 tokens > 4096 maximum")]
    [InlineData(
        "'max_tokens' or 'max_completion_tokens' is too large: 64000. This model's maximum context length is 4096 "
        + "tokens and your request has 100 input tokens (64000 > 4096 - 100).",
        "input length and `max_tokens` exceed context limit: 100 + 64000 > 4096, decrease input length or "
        + "`max_tokens` and try again")]
    [InlineData(
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the "
        + "messages, 1000 in the completion).",
        "input length and `max_tokens` exceed context limit: 4000 + 1000 > 4096, decrease input length or "
        + "`max_tokens` and try again")]
    [InlineData(
        "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        "prompt is too long: 5000 tokens > 4096 maximum")]
    [InlineData(
        "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "prompt is too long: 5000 tokens > 4096 maximum")]
    [InlineData("Input is too long for requested model.", "prompt is too long")]
    public void A_context_overflow_reaches_Anthropic_clients_in_the_words_they_look_for(string said, string told)
    {
        var body = Encoding.UTF8.GetBytes($$$"""
            {"error":{"message":"{{{said}}}","type":"BadRequestError","code":400}}
            """);
        var failure = EngineError.Read(400, body, Dialect.Anthropic);
        Assert.Equal(told, failure.Message);
        Assert.Equal(said, EngineError.Read(400, body, Dialect.OpenAiChat).Message);
        Assert.Equal(EngineError.ContextLengthExceeded, failure.Code);
    }

    [Fact]
    public void A_long_message_is_cut()
    {
        var failure = EngineError.Read(500, Encoding.UTF8.GetBytes(new string('x', 100_000)), Dialect.Anthropic);
        Assert.InRange(failure.Message.Length, 1, EngineError.MessageCharsMax + 1);
    }
}
