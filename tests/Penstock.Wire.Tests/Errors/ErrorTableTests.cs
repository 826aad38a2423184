using System.Buffers;
using System.Text;
using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Errors;

namespace Penstock.Wire.Tests.Errors;

public sealed class ErrorTableTests
{
    [Fact]
    public void Has_every_kind_once_in_the_order_of_the_enum() =>
        Assert.Equal(Enum.GetValues<FailureKind>(), ErrorTable.Rows.Select(row => row.Kind));

    [Theory]
    [InlineData(FailureKind.InvalidRequest, 400, 400)]
    [InlineData(FailureKind.Unauthenticated, 401, 401)]
    [InlineData(FailureKind.ModelNotFound, 404, 404)]
    [InlineData(FailureKind.TooLarge, 413, 413)]
    [InlineData(FailureKind.RateLimited, 429, 429)]
    [InlineData(FailureKind.Overloaded, 529, 503)]
    [InlineData(FailureKind.EngineFailed, 500, 500)]
    [InlineData(FailureKind.EngineTimeout, 504, 504)]
    public void Statuses_are_those_of_the_contract(FailureKind kind, int anthropic, int openAi)
    {
        Assert.Equal(anthropic, ErrorTable.StatusOf(Dialect.Anthropic, kind));
        Assert.Equal(openAi, ErrorTable.StatusOf(Dialect.OpenAiChat, kind));
    }

    [Fact]
    public void A_spent_budget_is_not_to_be_retried_and_a_rate_limit_is()
    {
        Assert.False(ErrorTable.IsRetryable(FailureKind.BudgetExceeded));
        Assert.True(ErrorTable.IsRetryable(FailureKind.RateLimited));
    }

    [Fact]
    public void An_Anthropic_body_is_exactly_the_envelope()
    {
        var failure = new Failure(FailureKind.Overloaded, "no \"room\" <now> é", Param: "p", Code: "c");
        Assert.Equal(
            "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no \\\"room\\\" <now> é\"},"
            + "\"request_id\":\"req_1\"}",
            Body(Dialect.Anthropic, failure));
    }

    [Fact]
    public void An_OpenAI_body_names_field_and_code()
    {
        Assert.Equal(
            """{"error":{"message":"m","type":"invalid_request_error","param":"messages[0]","code":null}}""",
            Body(Dialect.OpenAiChat, new Failure(FailureKind.InvalidRequest, "m", Param: "messages[0]")));
        Assert.Equal(
            """{"error":{"message":"m","type":"not_found","param":null,"code":"model_not_found"}}""",
            Body(Dialect.OpenAiChat, new Failure(FailureKind.ModelNotFound, "m")));
    }

    [Fact]
    public void Inside_a_stream_each_dialect_has_its_own_event()
    {
        var output = new ArrayBufferWriter<byte>();
        ErrorBody.WriteStreamEvent(Dialect.Anthropic, new Failure(FailureKind.EngineFailed, "a\nb"), output);
        ErrorBody.WriteStreamEvent(Dialect.OpenAiChat, new Failure(FailureKind.EngineFailed, "m"), output);
        Assert.Equal(
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"a\\nb\"}}\n\n"
            + "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"param\":null,\"code\":"
            + "\"engine_failed\"}}\n\n",
            Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void The_documentation_lists_every_kind()
    {
        var lines = ErrorTable.ToMarkdown().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(ErrorTable.Rows.Length + 2, lines.Length);
        Assert.Contains("| Overloaded | 529 | `overloaded_error` | 503 | `server_error` | `overloaded` | yes |", lines);
    }

    private static string Body(Dialect dialect, Failure failure)
    {
        var output = new ArrayBufferWriter<byte>();
        ErrorBody.Write(dialect, failure, "req_1", output);
        using var valid = JsonDocument.Parse(output.WrittenMemory);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
