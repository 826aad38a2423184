using System.Text;
using System.Text.Json.Nodes;
using Penstock.Core.Metering;
using Penstock.Core.Outcomes;
using static Penstock.Wire.Tests.Turns.Translate;

namespace Penstock.Wire.Tests.Turns;

public sealed class ResponseTests
{
    [Fact]
    public void A_chat_completion_becomes_a_message_with_every_null_in_place()
    {
        AssertJson(
            """
            {"id":"msg_01","type":"message","role":"assistant","model":"shown","content":[
              {"type":"thinking","thinking":"hm","signature":""},
              {"type":"text","text":"é😀\n","citations":null},
              {"type":"tool_use","id":"call_1","name":"f","input":{"a":1},"caller":{"type":"direct"}},
              {"type":"tool_use","id":"call_2","name":"g","input":{},"caller":{"type":"direct"}}],
             "stop_reason":"tool_use","stop_sequence":null,"stop_details":null,"container":null,"diagnostics":null,
             "usage":{"input_tokens":60,"cache_creation_input_tokens":10,"cache_read_input_tokens":30,
               "cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":0},
               "output_tokens":7,"output_tokens_details":{"thinking_tokens":3},"server_tool_use":null,
               "service_tier":null,"inference_geo":null,"speed":null}}
            """,
            Response(AnthropicToChat, """
            {"id":"chatcmpl-x","object":"chat.completion","created":1,"model":"served","choices":[{"index":0,
              "message":{"role":"assistant","reasoning_content":"hm","reasoning":"hm","content":"\u00e9\ud83d\ude00\n",
                "tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
                              {"id":"call_2","type":"function","function":{"name":"g","arguments":""}}]},
              "finish_reason":"stop","logprobs":null}],
             "usage":{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,
               "prompt_tokens_details":{"cached_tokens":30,"cache_write_tokens":10},
               "completion_tokens_details":{"reasoning_tokens":3}}}
            """, out var usage));
        Assert.Equal(new TokenUsage(60, 10, 0, 30, 7, 3), usage);
    }

    [Fact]
    public void A_message_becomes_a_chat_completion()
    {
        AssertJson(
            """
            {"id":"chatcmpl-01","object":"chat.completion","created":1700000000,"model":"shown","choices":[{"index":0,
              "message":{"role":"assistant","content":"ab","refusal":null,"tool_calls":[
                {"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},
              "logprobs":null,"finish_reason":"tool_calls"}],
             "usage":{"prompt_tokens":36,"completion_tokens":7,"total_tokens":43,
               "prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":30},
               "completion_tokens_details":{"reasoning_tokens":2}}}
            """,
            Response(ChatToAnthropic, """
            {"id":"msg_x","type":"message","role":"assistant","model":"served","content":[
              {"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"d"},
              {"type":"text","text":"a","citations":[{"type":"char_location"}]},{"type":"text","text":"b"},
              {"type":"server_tool_use","id":"s","name":"web_search","input":{}},
              {"type":"tool_use","id":"toolu_1","name":"f","input":{"a": 1},"caller":{"type":"direct"}}],
             "stop_reason":"tool_use","stop_sequence":null,
             "usage":{"input_tokens":3,"output_tokens":7,"cache_creation_input_tokens":30,"cache_read_input_tokens":3,
               "cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},
               "output_tokens_details":{"thinking_tokens":2}}}
            """, out var usage));
        Assert.Equal(new TokenUsage(3, 10, 20, 3, 7, 2), usage);
    }

    [Theory]
    [InlineData("end_turn", "stop")]
    [InlineData("max_tokens", "length")]
    [InlineData("stop_sequence", "stop")]
    [InlineData("tool_use", "tool_calls")]
    [InlineData("pause_turn", "stop")]
    [InlineData("refusal", "content_filter")]
    [InlineData("model_context_window_exceeded", "length")]
    [InlineData("something_new", "stop")]
    public void Stop_reasons_reach_chat_clients(string reason, string finish)
    {
        var chat = Response(ChatToAnthropic, $$"""{"content":[],"stop_reason":"{{reason}}"}""", out _);
        Assert.Equal(finish, (string?)JsonNode.Parse(chat)!["choices"]![0]!["finish_reason"]);
    }

    [Theory]
    [InlineData("\"stop\"", "end_turn", "null")]
    [InlineData("\"stop\",\"stop_reason\":\"END\"", "stop_sequence", "\"END\"")]
    [InlineData("\"stop\",\"matched_stop\":\"END\"", "stop_sequence", "\"END\"")]
    [InlineData("\"stop\",\"stop_reason\":128001", "end_turn", "null")]
    [InlineData("\"length\"", "max_tokens", "null")]
    [InlineData("\"tool_calls\"", "tool_use", "null")]
    [InlineData("\"function_call\"", "tool_use", "null")]
    [InlineData("\"content_filter\"", "refusal", "null")]
    [InlineData("null", "end_turn", "null")]
    public void Finish_reasons_reach_Anthropic_clients(string finish, string reason, string sequence)
    {
        var message = JsonNode.Parse(Response(
            AnthropicToChat, $$"""{"choices":[{"message":{"content":"x"},"finish_reason":{{finish}}}]}""", out _))!;
        Assert.Equal(reason, (string?)message["stop_reason"]);
        Assert.Equal(sequence, message["stop_sequence"]?.ToJsonString() ?? "null");
    }

    [Fact]
    public void A_refusal_keeps_its_words_both_ways()
    {
        var message = JsonNode.Parse(Response(AnthropicToChat, """
            {"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"content_filter"}]}
            """, out _))!;
        Assert.Equal("no", (string?)message["stop_details"]!["explanation"]);
        Assert.Equal("no", (string?)message["content"]![0]!["text"]);
        var chat = JsonNode.Parse(Response(ChatToAnthropic, """
            {"content":[],"stop_reason":"refusal","stop_details":{"type":"refusal","category":"bio","explanation":"no"}}
            """, out _))!;
        Assert.Equal("no", (string?)chat["choices"]![0]!["message"]!["refusal"]);
    }

    [Fact]
    public void Arguments_that_are_no_JSON_are_handed_on_inside_an_object()
    {
        var message = JsonNode.Parse(Response(AnthropicToChat, """
            {"choices":[{"message":{"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"a\":\"cut"}}]},
              "finish_reason":"length"}]}
            """, out _))!;
        Assert.Equal("max_tokens", (string?)message["stop_reason"]);
        Assert.Equal("{\"a\":\"cut", (string?)message["content"]![0]!["input"]!["INVALID_JSON"]);
    }

    [Fact]
    public void A_call_without_an_id_gets_one()
    {
        var message = JsonNode.Parse(Response(AnthropicToChat, """
            {"choices":[{"message":{"tool_calls":[{"id":"1","function":{"name":"f","arguments":{"a":1}}},
              {"function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}
            """, out _))!;
        Assert.Equal("1", (string?)message["content"]![0]!["id"]);
        Assert.Equal(1, (int)message["content"]![0]!["input"]!["a"]!);
        Assert.Equal("toolu_01_1", (string?)message["content"]![1]!["id"]);
    }

    [Fact]
    public void Counts_that_cannot_be_are_cut_and_never_negative()
    {
        Response(AnthropicToChat, """
            {"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],
             "usage":{"prompt_tokens":10,"completion_tokens":-4,"prompt_tokens_details":{"cached_tokens":999},
               "completion_tokens_details":null}}
            """, out var usage);
        Assert.Equal(new TokenUsage(0, 0, 0, 10, 0), usage);
        Response(ChatToAnthropic, """
            {"content":[],"usage":{"input_tokens":1e3,"output_tokens":99999999999999999999,
              "cache_creation_input_tokens":null,
              "cache_read_input_tokens":9223372036854775807}}
            """, out usage);
        Assert.InRange(usage.Total, 0, 1L << 52);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("<html>")]
    [InlineData("{\"choices\":[]}")]
    [InlineData("{\"choices\":[{}]}")]
    [InlineData("{\"choices\":[{\"message\":{\"content\":7}}]}")]
    public void A_broken_answer_is_the_engine_s_failure_and_nothing_is_written(string body)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        var failure = AnthropicToChat.TranslateResponse(Encoding.UTF8.GetBytes(body), Settings, output, out _);
        Assert.Equal(FailureKind.EngineFailed, failure!.Kind);
        Assert.Equal(0, output.WrittenCount);
    }

    [Fact]
    public void Thinking_reaches_chat_clients_only_as_an_extension()
    {
        const string body = """
            {"content":[{"type":"thinking","thinking":"hm","signature":""}],"stop_reason":"end_turn"}
            """;
        var plain = JsonNode.Parse(Response(ChatToAnthropic, body, out _))!["choices"]![0]!["message"]!;
        Assert.Null(plain["reasoning_content"]);
        var extended = Response(ChatToAnthropic, body, out _, Settings with { ReasoningContent = true });
        Assert.Equal(
            "hm", (string?)JsonNode.Parse(extended)!["choices"]![0]!["message"]!["reasoning_content"]);
    }
}
