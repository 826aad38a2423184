using System.Text;
using Penstock.Core.Metering;
using Penstock.Core.Outcomes;
using static Penstock.Wire.Tests.Turns.Translate;

namespace Penstock.Wire.Tests.Turns;

public sealed class StreamToAnthropicTests
{
    private static readonly string Chunks = Glue(
        """
        data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant",\
          "content":""},"finish_reason":null}],"usage":null}

        : comment

        data: {"choices":[{"index":0,"delta":{"reasoning_content":"h\u006d"}}]}

        data: {"choices":[{"index":0,"delta":{"content":"\ud83d"}},{"index":1,"delta":{"content":"other"}}]}

        data: {"choices":[{"index":0,"delta":{"content":"\ude00é\n\"q\""}}]}

        data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function",\
          "function":{"name":"f","arguments":""}}]}}]}

        data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]}

        data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}},{"index":1,\
          "id":"call_2","function":{"name":"g","arguments":"{}"}}]}}]}

        data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

        data: {"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":5,\
          "prompt_tokens_details":{"cached_tokens":8}}}

        data: [DONE]


        """);

    private static readonly string Expected = Glue(
        """
        event: message_start
        data: {"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","model":"shown",\
          "content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"container":null,\
          "diagnostics":null,"usage":{"input_tokens":17,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,\
          "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":0,\
          "output_tokens_details":null,"server_tool_use":null,"service_tier":null,"inference_geo":null,"speed":null}}}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h\u006d"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: content_block_start
        data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":"","citations":null}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"\ud83d"}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"\ude00é\n\"q\""}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":1}

        event: content_block_start
        data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"call_1","name":"f",\
          "input":{},"caller":{"type":"direct"}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"1}"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":2}

        event: content_block_start
        data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"call_2","name":"g",\
          "input":{},"caller":{"type":"direct"}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{}"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":3}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null,"stop_details":null,\
          "container":null},"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":8,\
          "output_tokens":5,"output_tokens_details":null,"server_tool_use":null}}

        event: message_stop
        data: {"type":"message_stop"}


        """);

    [Fact]
    public void A_chat_stream_becomes_a_message_stream_wherever_its_bytes_are_cut()
    {
        var settings = Settings with { InputTokensEstimate = 17 };
        var bytes = Encoding.UTF8.GetBytes(Chunks);
        Assert.Equal(Expected, Stream(AnthropicToChat, bytes, settings, out var stream));
        Assert.Equal(new TokenUsage(12, 0, 0, 8, 5), stream.Usage);
        Assert.True(stream.HasUsage && stream.Finished && stream.HasContent);
        Assert.Equal(39, stream.ContentBytes);
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            Assert.Equal(Expected, Stream(AnthropicToChat, bytes, settings, out _, cut, bytes.Length));
        }

        Assert.Equal(Expected, Stream(AnthropicToChat, bytes, settings, out _, 1));
    }

    [Fact]
    public void Every_event_goes_out_as_soon_as_its_chunk_is_whole()
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        using var stream = AnthropicToChat.Stream(Settings);
        stream.Push("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n"u8, output);
        Assert.Contains(
            "\"text_delta\",\"text\":\"x\"",
            Encoding.UTF8.GetString(output.WrittenSpan),
            StringComparison.Ordinal);
        Assert.False(stream.Finished);
    }

    [Fact]
    public void Calls_that_an_engine_numbers_all_alike_are_told_apart_by_their_ids()
    {
        var text = Stream(AnthropicToChat, """
            data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}

            data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}]}}]}

            data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"arguments":" "}}]},\
              "finish_reason":"stop"}]}

            data: [DONE]


            """);
        Assert.Contains(
            "\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\"",
            text,
            StringComparison.Ordinal);
        Assert.Contains(
            "\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"b\"",
            text,
            StringComparison.Ordinal);
        Assert.DoesNotContain("\"index\":2", text, StringComparison.Ordinal);
        Assert.Contains("\"stop_reason\":\"tool_use\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_call_without_an_id_gets_one_and_whole_arguments_are_taken_as_an_object_too()
    {
        var text = Stream(AnthropicToChat, """
            data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":{"a":"b"}}}]},\
              "finish_reason":"tool_calls"}]}

            data: [DONE]


            """);
        Assert.Contains("\"id\":\"toolu_01_0\"", text, StringComparison.Ordinal);
        Assert.Contains("""
            "partial_json":"{\"a\":\"b\"}"
            """, text, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_between_calls_gets_its_own_block()
    {
        var text = Stream(AnthropicToChat, """
            data: {"choices":[{"delta":{"content":"1"}}]}

            data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}}]}

            data: {"choices":[{"delta":{"content":"2"}}]}

            data: {"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"f"}}]},\
              "finish_reason":"tool_calls"}]}

            data: [DONE]


            """);
        const string start = "data: {\"type\":\"content_block_start\",";
        string[] starts = [.. text.Split('\n').Where(line => line.StartsWith(start, StringComparison.Ordinal))];
        Assert.Equal(4, starts.Length);
        for (var i = 0; i < 4; i++)
        {
            Assert.Contains($"\"index\":{i},", starts[i], StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("data: {\"error\":{\"message\":\"full\",\"type\":"
        + "\"overloaded_error\"}}\n\n", "overloaded_error", "full")]
    [InlineData("data: {\"error\":{\"message\":\"full\",\"code\":503}}\n\n", "overloaded_error", "full")]
    [InlineData("data: {\"object\":\"error\",\"message\":\"bad\",\"code\":400}\n\n", "invalid_request_error", "bad")]
    [InlineData("data: {\"error\":\"odd\"}\n\n", "api_error", "odd")]
    [InlineData("data: {\"choices\":[{\"finish_reason\":"
        + "\"abort\"}]}\n\n", "api_error", "the engine aborted the answer")]
    [InlineData("data: {\"choices\"\n\n", "api_error", "the engine sent a stream event that is not valid JSON")]
    [InlineData("data: 7\n\n", "api_error", "the engine sent a stream event that is not valid JSON")]
    [InlineData("", "api_error", "the engine closed the stream before the answer was complete")]
    public void A_stream_that_breaks_off_ends_with_an_error_event_and_nothing_after(
        string last, string type, string message)
    {
        var start = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
        var text = Stream(
            AnthropicToChat,
            Encoding.UTF8.GetBytes(start + last + "data: {\"choices\":[{\"delta\":{\"content\":\"late\"}}]}\n\n"),
            Settings,
            out var stream,
            last.Length == 0 ? start.Length : int.MaxValue);
        if (last.Length > 0)
        {
            Assert.DoesNotContain("late", text, StringComparison.Ordinal);
        }

        Assert.EndsWith(
            $"event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{type}\",\"message\":"
                + $"\"{message}\"}}}}\n\n",
            text,
            StringComparison.Ordinal);
        Assert.NotNull(stream.Failure);
        Assert.DoesNotContain("message_stop", text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_that_lacks_only_its_end_mark_is_complete()
    {
        var text = Stream(
            AnthropicToChat, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"length\"}]}\n\n");
        Assert.Contains("\"stop_reason\":\"max_tokens\"", text, StringComparison.Ordinal);
        Assert.EndsWith("data: {\"type\":\"message_stop\"}\n\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Going_back_to_an_earlier_call_breaks_the_answer_off()
    {
        Stream(AnthropicToChat, Encoding.UTF8.GetBytes(Glue("""
            data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}},\
              {"index":1,"id":"b","function":{"name":"f","arguments":"{"}},{"index":0,\
              "function":{"arguments":"}"}}]}}]}


            """)), Settings, out var stream);
        Assert.Equal(FailureKind.EngineFailed, stream.Failure!.Kind);
    }

    [Fact]
    public void A_filter_s_refusal_and_a_stop_string_are_told()
    {
        var refused = Stream(
            AnthropicToChat,
            "data: {\"choices\":[{\"delta\":{\"refusal\":\"no\"},\"finish_reason\":"
                + "\"content_filter\"}]}\n\ndata: [DONE]\n\n");
        Assert.Contains("\"text\":\"no\"", refused, StringComparison.Ordinal);
        Assert.Contains(
            "\"stop_reason\":\"refusal\",\"stop_sequence\":null,\"stop_details\":{\"type\":\"refusal\"",
            refused,
            StringComparison.Ordinal);
        var stopped = Stream(
            AnthropicToChat,
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\",\"stop_reason\":"
                + "\"E\\\"\"}]}\n\ndata: [DONE]\n\n");
        Assert.Contains(
            "\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"E\\\"\"",
            stopped,
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_that_is_not_UTF8_breaks_the_answer_off()
    {
        byte[] bytes = [.. "data: {\"choices\":[{\"delta\":{\"content\":\""u8, 0xC3, .. "\"}}]}\n\n"u8];
        Stream(AnthropicToChat, bytes, Settings, out var stream);
        Assert.Equal("the engine sent a stream event that is not valid UTF-8", stream.Failure!.Message);
    }

    [Fact]
    public void A_watchdog_can_break_a_stream_off_once()
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        using var stream = AnthropicToChat.Stream(Settings);
        stream.Abort(new Failure(FailureKind.EngineTimeout, "silent"), output);
        stream.Abort(new Failure(FailureKind.EngineTimeout, "silent"), output);
        stream.Complete(output);
        Assert.Equal(
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":"
                + "\"silent\"}}\n\n",
            Encoding.UTF8.GetString(output.WrittenSpan));
    }
}
