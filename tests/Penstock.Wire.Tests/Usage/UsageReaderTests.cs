using System.Text;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Wire.Usage;

namespace Penstock.Wire.Tests.Usage;

public class UsageReaderTests
{
    private const string Message =
        """
        {"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"t","name":"n",
         "input":{"usage":{"input_tokens":9999}},"caller":{"type":"direct"}}],"stop_reason":"tool_use",
         "stop_sequence":null,"container":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":300,
         "cache_read_input_tokens":2000,"cache_creation":{"ephemeral_5m_input_tokens":100,
         "ephemeral_1h_input_tokens":200},"output_tokens":50,"server_tool_use":{"web_search_requests":3,
         "web_fetch_requests":0},"service_tier":"standard","inference_geo":null,"speed":null,
         "output_tokens_details":{"thinking_tokens":20}}}
        """;

    private const string Completion =
        """
        {"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",
         "content":"the \"usage\":{\"prompt_tokens\":1}"},"finish_reason":"stop","usage":{"prompt_tokens":7}}],
         "usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150,
         "prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0,"cache_write_tokens":16},
         "completion_tokens_details":{"reasoning_tokens":12,"audio_tokens":0}},"system_fingerprint":null}
        """;

    [Fact]
    public void Every_category_of_a_message_is_read() =>
        Assert.Equal(new TokenUsage(10, 100, 200, 2_000, 50, 20), Read(Dialect.Anthropic, Message));

    [Fact]
    public void Every_category_of_a_chat_completion_is_read() =>
        Assert.Equal(new TokenUsage(40, 16, 0, 64, 30, 12), Read(Dialect.OpenAiChat, Completion));

    [Theory]
    // vLLM without prefix cache figures; llama.cpp with its own timings; SGLang with reasoning at the top.
    [InlineData("{\"usage\":{\"prompt_tokens\":9,\"total_tokens\":11,\"completion_tokens\":2,"
        + "\"prompt_tokens_details\":null}}", 9, 0, 2, 0)]
    [InlineData("{\"usage\":{\"completion_tokens\":2,\"prompt_tokens\":9,\"total_tokens\":11,"
        + "\"prompt_tokens_details\":{\"cached_tokens\":4}},\"timings\":{\"cache_n\":4,\"prompt_n\":5}}", 5, 4, 2, 0)]
    [InlineData("{\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"reasoning_tokens\":1}}", 9, 0, 2, 1)]
    [InlineData("{\"usage\":{\"prompt_tokens\":9}}", 9, 0, 0, 0)]
    [InlineData("{\"usage\":{\"completion_tokens\":2}}", 0, 0, 2, 0)]
    // An engine that says more was cached than there was.
    [InlineData("{\"usage\":{\"prompt_tokens\":9,\"prompt_tokens_details\":{\"cached_tokens\":12}}}", 0, 9, 0, 0)]
    public void Engines_leave_things_out_of_a_chat_usage(
        string body, long input, long cached, long output, long thinking) =>
        Assert.Equal(new TokenUsage(input, 0, 0, cached, output, thinking), Read(Dialect.OpenAiChat, body));

    [Theory]
    [InlineData("{\"usage\":{\"input_tokens\":9,\"output_tokens\":2}}", 9, 0, 0, 0, 2)]
    [InlineData("{\"usage\":{\"input_tokens\":9,\"output_tokens\":2,\"cache_creation_input_tokens\":null,"
        + "\"cache_read_input_tokens\":null,\"cache_creation\":null}}", 9, 0, 0, 0, 2)]
    [InlineData("{\"usage\":{\"input_tokens\":9,\"output_tokens\":2,"
        + "\"cache_creation_input_tokens\":7}}", 9, 7, 0, 0, 2)]
    [InlineData("{\"usage\":{\"cache_creation\":{\"ephemeral_1h_input_tokens\":7},\"input_tokens\":9}}", 9, 0, 7, 0, 0)]
    public void Engines_leave_things_out_of_a_message_usage(
        string body, long input, long write5m, long write1h, long read, long output) =>
        Assert.Equal(new TokenUsage(input, write5m, write1h, read, output), Read(Dialect.Anthropic, body));

    [Fact]
    public void The_figures_of_single_iterations_are_not_those_of_the_request()
    {
        const string Body =
            """
            {"usage":{"input_tokens":30,"output_tokens":5,
             "iterations":[{"type":"message","input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3}],
             "server_tool_use":{"input_tokens":99}}}
            """;
        Assert.Equal(new TokenUsage(30, 0, 0, 0, 5), Read(Dialect.Anthropic, Body));
    }

    [Fact]
    public void A_later_event_replaces_what_it_gives_and_leaves_the_rest()
    {
        var usage = new TokenUsage(10, 100, 200, 2_000, 1, 0);
        var countsCached = false;
        Assert.True(UsageReader.TryRead(
            Dialect.Anthropic,
            "{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":40,\"input_tokens\":10,"u8.ToArray()
                .Concat("\"cache_creation_input_tokens\":300,\"cache_read_input_tokens\":null}}"u8.ToArray()).ToArray(),
            ref usage,
            ref countsCached));
        Assert.Equal(new TokenUsage(10, 100, 200, 2_000, 40, 0), usage);
        Assert.True(UsageReader.TryRead(
            Dialect.Anthropic, "{\"usage\":{\"cache_creation_input_tokens\":500}}"u8, ref usage, ref countsCached));
        Assert.False(countsCached);
        Assert.Equal(new TokenUsage(10, 500, 0, 2_000, 40, 0), usage);
    }

    [Theory]
    [InlineData(Dialect.OpenAiChat, "{\"usage\":{\"prompt_tokens\":5}}", false)]
    [InlineData(Dialect.OpenAiChat, "{\"usage\":{\"prompt_tokens\":5,\"prompt_tokens_details\":null}}", false)]
    [InlineData(
        Dialect.OpenAiChat,
        "{\"usage\":{\"prompt_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":null}}}",
        false)]
    [InlineData(
        Dialect.OpenAiChat, "{\"usage\":{\"prompt_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":0}}}", true)]
    [InlineData(Dialect.Anthropic, "{\"usage\":{\"input_tokens\":5}}", false)]
    [InlineData(Dialect.Anthropic, "{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":null}}", false)]
    [InlineData(Dialect.Anthropic, "{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":0}}", true)]
    public void No_count_of_cached_tokens_is_another_thing_than_a_count_of_none(
        Dialect dialect, string body, bool counts)
    {
        var usage = default(TokenUsage);
        var countsCached = false;
        Assert.True(UsageReader.TryRead(dialect, Encoding.UTF8.GetBytes(body), ref usage, ref countsCached));
        Assert.Equal(counts, countsCached);
        Assert.Equal(0, usage.CacheRead);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("{\"usage\":null}")]
    [InlineData("{\"usage\":{}}")]
    [InlineData("{\"usage\":[{\"prompt_tokens\":1,\"input_tokens\":1}]}")]
    [InlineData("{\"usage\":{\"prompt_tokens\":\"1\",\"input_tokens\":\"1\"}}")]
    [InlineData("{\"usage\":{\"prompt_tokens\":-1,\"input_tokens\":-1}}")]
    [InlineData("{\"usage\":{\"prompt_tokens\":1.5,\"input_tokens\":1.5}}")]
    [InlineData("{\"usage\":{\"prompt_tokens\":1e300,\"input_tokens\":1e300}}")]
    [InlineData("{\"usage\":{\"prompt_tokens\":9223372036854775807,\"input_tokens\":9223372036854775807}}")]
    [InlineData("{\"x\":{\"usage\":{\"prompt_tokens\":1,\"input_tokens\":1}}}")]
    [InlineData("{\"message\":[{\"usage\":{\"prompt_tokens\":1,\"input_tokens\":1}}]}")]
    [InlineData("{\"usage\":{\"prompt_tokens\":1,\"input_tokens\":1")]
    [InlineData("{\"input_tokens\":5}")]
    public void Where_no_count_is_none_is_read(string body)
    {
        foreach (var dialect in Enum.GetValues<Dialect>())
        {
            var usage = new TokenUsage(1, 2, 3, 4, 5, 6);
            var countsCached = false;
            Assert.False(UsageReader.TryRead(dialect, Encoding.UTF8.GetBytes(body), ref usage, ref countsCached));
            Assert.False(countsCached);
            Assert.Equal(new TokenUsage(1, 2, 3, 4, 5, 6), usage);
        }
    }

    [Theory]
    [InlineData(Dialect.Anthropic, Message)]
    [InlineData(Dialect.OpenAiChat, Completion)]
    public void No_answer_of_an_engine_throws_or_gives_negative_counts(Dialect dialect, string body) =>
        Mutations.Survives(Encoding.UTF8.GetBytes(body), mutated =>
        {
            var usage = default(TokenUsage);
            var countsCached = false;
            UsageReader.TryRead(dialect, mutated, ref usage, ref countsCached);
            Assert.True(usage is { Input: >= 0, CacheRead: >= 0, CacheWrite5m: >= 0, CacheWrite1h: >= 0 });
            Assert.True(usage is { Output: >= 0, Thinking: >= 0, Total: >= 0 });
        });

    [Fact]
    public void Reading_allocates_nothing()
    {
        var body = Encoding.UTF8.GetBytes(Message);
        var usage = default(TokenUsage);
        var countsCached = false;
        UsageReader.TryRead(Dialect.Anthropic, body, ref usage, ref countsCached);
        Assert.Equal(
            0, Allocation.Of(() => UsageReader.TryRead(Dialect.Anthropic, body, ref usage, ref countsCached)));
    }

    private static TokenUsage Read(Dialect dialect, string body)
    {
        var usage = default(TokenUsage);
        var countsCached = false;
        Assert.True(UsageReader.TryRead(dialect, Encoding.UTF8.GetBytes(body), ref usage, ref countsCached));
        return usage;
    }
}
