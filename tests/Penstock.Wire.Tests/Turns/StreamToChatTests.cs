using System.Text;
using Penstock.Core.Metering;
using static Penstock.Wire.Tests.Turns.Translate;

namespace Penstock.Wire.Tests.Turns;

public sealed class StreamToChatTests
{
    private const string Head =
        "data: {\"id\":\"chatcmpl-01\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":"
            + "\"shown\",\"choices\":[";

    private static readonly string Events = Glue(
        """
        event: message_start
        data: {"type":"message_start","message":{"id":"m","content":[],"usage":{"input_tokens":3,\
          "cache_creation_input_tokens":30,"cache_read_input_tokens":9,\
          "cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1}}}

        event: ping
        data: {"type": "ping"}

        event: content_block_start
        data: {"index":0,"content_block":{"thinking":"","signature":"","type":"thinking"},"type":"content_block_start"}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: content_block_start
        data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"text":"\u00e9\ud83d\ude00\"","type":"text_delta"}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"text":"no"}}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":1}

        event: content_block_start
        data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"f",\
          "input":{}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":2}

        event: content_block_start
        data: {"type":"content_block_start","index":3,"content_block":{"type":"server_tool_use","id":"s",\
          "name":"web_search","input":{}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta",\
          "partial_json":"{\"skipped\":1}"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":3}

        event: content_block_start
        data: {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_2","name":"g",\
          "input":{}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"a\": 1}"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":4}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},\
          "usage":{"output_tokens":7,"cache_read_input_tokens":null}}

        event: message_stop
        data: {"type":"message_stop"}


        """);

    private static readonly string[] Deltas =
    [
        "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null",
        "{\"index\":0,\"delta\":{\"content\":\"\\u00e9\\ud83d\\ude00\\\"\"},\"logprobs\":null,\"finish_reason\":null",
        Tool("\"index\":0,\"id\":\"toolu_1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}"),
        Tool("\"index\":0,\"function\":{\"arguments\":\"{}\"}"),
        Tool("\"index\":1,\"id\":\"toolu_2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}"),
        Tool("\"index\":1,\"function\":{\"arguments\":\"{\\\"a\\\": 1}\"}"),
        "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"tool_calls\"",
    ];

    [Fact]
    public void Without_include_usage_no_usage_is_sent_though_the_engine_tells_it()
    {
        var text = Stream(ChatToAnthropic, Encoding.UTF8.GetBytes(Events), Settings, out var stream);
        Assert.Equal(Chunks("}]}\n\n", ""), text);
        Assert.Equal(new TokenUsage(3, 10, 20, 9, 7), stream.Usage);
    }

    [Fact]
    public void With_include_usage_every_chunk_says_null_and_a_last_one_says_all_wherever_the_bytes_are_cut()
    {
        var settings = Settings with { IncludeUsage = true };
        const string usage = "],\"usage\":{\"prompt_tokens\":42,\"completion_tokens\":7,\"total_tokens\":49,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":9,\"cache_write_tokens\":30},"
            + "\"completion_tokens_details\":{\"reasoning_tokens\":0}}}\n\n";
        var expected = Chunks("}],\"usage\":null}\n\n", Head + usage);
        var bytes = Encoding.UTF8.GetBytes(Events);
        Assert.Equal(expected, Stream(ChatToAnthropic, bytes, settings, out _));
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            Assert.Equal(expected, Stream(ChatToAnthropic, bytes, settings, out _, cut, bytes.Length));
        }

        Assert.Equal(expected, Stream(ChatToAnthropic, bytes, settings, out _, 1));
    }

    [Fact]
    public void Thinking_goes_out_as_an_extension_where_it_is_asked_for()
    {
        var text = Stream(ChatToAnthropic, Events, Settings with { ReasoningContent = true });
        Assert.Contains("\"delta\":{\"reasoning_content\":\"hm\"}", text, StringComparison.Ordinal);
        Assert.DoesNotContain("sig", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Arguments_that_come_with_the_start_of_a_block_are_not_lost()
    {
        var text = Stream(ChatToAnthropic, """
            event: content_block_start
            data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f",\
              "input":{"a":"b"}}}

            event: message_delta
            data: {"type":"message_delta","delta":{"stop_reason":"tool_use"}}

            event: message_stop
            data: {"type":"message_stop"}


            """);
        Assert.Contains("""
            "arguments":"{\"a\":\"b\"}"
            """, text, StringComparison.Ordinal);
        Assert.StartsWith(Head + Deltas[0], text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_is_told_in_its_words_and_is_no_error()
    {
        var text = Stream(ChatToAnthropic, """
            data: {"type":"message_start","message":{}}

            data: {"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal",\
              "explanation":"no"}}}

            data: {"type":"message_stop"}


            """);
        Assert.Contains("\"delta\":{\"refusal\":\"no\"}", text, StringComparison.Ordinal);
        Assert.Contains("\"finish_reason\":\"content_filter\"", text, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_event_ends_the_stream_without_the_end_mark()
    {
        var text = Stream(ChatToAnthropic, """
            event: error
            data: {"type":"error","error":{"type":"overloaded_error","message":"full"}}


            """);
        Assert.Equal(
            "data: {\"error\":{\"message\":\"full\",\"type\":\"server_error\",\"param\":null,\"code\":"
                + "\"overloaded\"}}\n\n",
            text);
    }

    [Fact]
    public void A_stream_cut_after_its_stop_reason_is_complete_and_before_it_is_not()
    {
        const string start = "data: {\"type\":\"message_start\",\"message\":{}}\n\n";
        const string finish = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n";
        Assert.EndsWith("data: [DONE]\n\n", Stream(ChatToAnthropic, start + finish), StringComparison.Ordinal);
        Assert.Contains("\"code\":\"engine_failed\"", Stream(ChatToAnthropic, start), StringComparison.Ordinal);
    }

    private static string Tool(string call) =>
        $"{{\"index\":0,\"delta\":{{\"tool_calls\":[{{{call}}}]}},\"logprobs\":null,\"finish_reason\":null";

    private static string Chunks(string tail, string usage)
    {
        var chunks = Deltas.Select(delta => Head + delta + tail).ToList();
        chunks.Insert(1, ": ping\n\n");
        return string.Concat(chunks) + usage + "data: [DONE]\n\n";
    }
}
