using System.Text;
using System.Text.Json.Nodes;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;
using static Penstock.Wire.Tests.Turns.Translate;

namespace Penstock.Wire.Tests.Turns;

public sealed class RequestToChatTests
{
    [Fact]
    public void A_whole_Anthropic_request_becomes_a_chat_request() => AssertJson(
        """
        {"model":"served","max_tokens":100,
         "messages":[
          {"role":"system","content":"a\nb\nmid"},
          {"role":"user","content":[{"type":"text","text":"see é😀"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AAA="}},
            {"type":"image_url","image_url":{"url":"https://x/y.png"}},
            {"type":"file","file":{"filename":"r.pdf","file_data":"data:application/pdf;base64,BBB="}},
            {"type":"text","text":"notes\nplain"}]},
          {"role":"assistant","content":"I look","tool_calls":[
            {"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"b\": 1.0, \"a\":[]}"}},
            {"id":"toolu_2","type":"function","function":{"name":"g","arguments":"{}"}}]},
          {"role":"tool","tool_call_id":"toolu_1","content":"one\ntwo"},
          {"role":"tool","tool_call_id":"toolu_2","content":"Error: bad"},
          {"role":"user","content":"go on"}],
         "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},
           "strict":true}}],
         "tool_choice":"required","parallel_tool_calls":false,
         "stop":["END"],"temperature":0.5,"top_p":0.9,
         "stream":true,"stream_options":{"include_usage":true},
         "response_format":{"type":"json_schema","json_schema":{"name":"response","schema":{"type":"object"},
           "strict":true}},
         "reasoning_effort":"high","user":"u1","service_tier":"default"}
        """,
        Request(AnthropicToChat, """
        {"model":"claude","max_tokens":100,"stream":true,"temperature":0.5,"top_p":0.9,"top_k":5,
         "system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"b"}],
         "messages":[
          {"role":"user","content":[{"type":"text","text":"see \u00e9\ud83d\ude00"},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAA="}},
            {"type":"image","source":{"type":"url","url":"https://x/y.png"}},
            {"type":"document","title":"r.pdf","source":{"type":"base64","media_type":"application/pdf","data":"BBB="}},
            {"type":"document","title":"notes","source":{"type":"text","media_type":"text/plain","data":"plain"}}]},
          {"role":"system","content":"mid","output_config":{"effort":"low"}},
          {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},
            {"type":"redacted_thinking","data":"x"},
            {"type":"server_tool_use","id":"s1","name":"web_search","input":{}},
            {"type":"text","text":"I "},{"type":"text","text":"look"},
            {"type":"tool_use","id":"toolu_1","name":"f","input":{"b": 1.0, "a":[]}},
            {"type":"tool_use","id":"toolu_2","name":"g","input":{}}]},
          {"role":"user","content":[{"type":"text","text":"go on"},
            {"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"one"},{"type":"text",
              "text":"two"}]},
            {"type":"tool_result","tool_use_id":"toolu_2","content":"bad","is_error":true}]}],
         "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true},
                  {"type":"web_search_20260318","name":"web_search"}],
         "tool_choice":{"type":"any","disable_parallel_tool_use":true},
         "stop_sequences":["END"],"output_config":{"effort":"max","format":{"type":"json_schema",
           "schema":{"type":"object"}}},
         "thinking":{"type":"adaptive"},"metadata":{"user_id":"u1"},"service_tier":"standard_only",
         "context_management":{"edits":[]}}
        """));

    [Fact]
    public void Tool_arguments_keep_their_bytes()
    {
        var chat = JsonNode.Parse(Request(AnthropicToChat, """
            {"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[
              {"type":"tool_use","id":"1","name":"f","input":{"z" : 1e2,"a":"\u00e9\/","n":12345678901234567890}}]}]}
            """))!;
        Assert.Equal(
            """{"z" : 1e2,"a":"\u00e9\/","n":12345678901234567890}""",
            (string?)chat["messages"]![0]!["tool_calls"]![0]!["function"]!["arguments"]);
    }

    [Fact]
    public void Pictures_in_tool_results_follow_in_a_user_message()
    {
        var chat = JsonNode.Parse(Request(AnthropicToChat, """
            {"model":"m","max_tokens":1,"messages":[{"role":"user","content":[
              {"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"shot"},
                {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAA="}}]}]}]}
            """))!;
        AssertJson(
            """
            [{"role":"tool","tool_call_id":"1","content":"shot\n[image below]"},
             {"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAA="}}]}]
            """,
            chat["messages"]!.ToJsonString());
    }

    [Fact]
    public void Engine_extensions_carry_thinking_and_sampling_where_the_engine_takes_them()
    {
        var settings = Settings with
        {
            ReasoningContent = true,
            EngineExtensions = true,
            MaxCompletionTokens = true,
            EffortMax = null,
            KeepSystemPositions = true,
            EngineModel = null,
        };
        AssertJson(
            """
            {"model":"m","max_completion_tokens":9,"top_k":3,"chat_template_kwargs":{"enable_thinking":false},
             "messages":[{"role":"user","content":"q"},
               {"role":"assistant","reasoning_content":"hm","content":"a"},{"role":"system","content":"late"}]}
            """,
            Request(AnthropicToChat, """
            {"model":"m","max_tokens":9,"top_k":3,"thinking":{"type":"disabled"},"output_config":{"effort":"low"},
             "messages":[{"role":"user","content":"q"},
               {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text",
                 "text":"a"}]},
               {"role":"system","content":"late"}]}
            """, settings));
    }

    [Theory]
    [InlineData("""{"max_tokens":1,"messages":[]}""", "model")]
    [InlineData("""{"model":"m","messages":[]}""", "max_tokens")]
    [InlineData("""{"model":"m","max_tokens":"1","messages":[]}""", "max_tokens")]
    [InlineData("""{"model":"m","max_tokens":1e400,"messages":[]}""", "max_tokens")]
    [InlineData("""{"model":"m","max_tokens":-1,"messages":[]}""", "max_tokens")]
    [InlineData("""{"model":"m","max_tokens":1}""", "messages")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":{}}""", "messages")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":[7]}""", "messages.0")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":[{"role":"tool","content":""}]}""", "messages.0.role")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":[{"role":"user"}]}""", "messages.0.content")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text"}]}]}""",
        "messages.0.content.0.text")]
    [InlineData("""
        {"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_use","id":"1","name":"f",
          "input":"x"}]}]}
        """, "messages.0.content.0.input")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":[],"tools":[{"name":"f"}]}""", "tools.0.input_schema")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":[],"tool_choice":{"type":"some"}}""", "tool_choice.type")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":[],"stream":"yes"}""", "stream")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":[],"temperature":9}""", "temperature")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":[],"thinking":{"type":"deep"}}""", "thinking.type")]
    public void A_bad_request_names_the_field(string body, string param)
    {
        var failure = RequestFailure(AnthropicToChat, body);
        Assert.Equal(FailureKind.InvalidRequest, failure.Kind);
        Assert.Equal(param, failure.Param);
        Assert.StartsWith($"{param}: ", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{} {}")]
    [InlineData("{\"model\":\"a\",\"model\":\"b\",\"max_tokens\":1,\"messages\":[]}")]
    [InlineData("{\"model\":\"\\ud800\",\"max_tokens\":1,\"messages\":[]}")]
    [InlineData("{\"\\ud800\":\"\",\"model\":\"m\",\"max_tokens\":1,\"messages\":[]}")]
    public void A_body_that_is_no_proper_JSON_object_is_refused(string body) =>
        Assert.Equal(FailureKind.InvalidRequest, RequestFailure(AnthropicToChat, body).Kind);

    [Fact]
    public void Invalid_UTF8_and_absurd_depth_are_refused()
    {
        var deep = new string('[', 300) + new string(']', 300);
        Assert.Equal(
            FailureKind.InvalidRequest,
            RequestFailure(AnthropicToChat, $"{{\"model\":\"m\",\"max_tokens\":1,\"messages\":[],\"x\":{deep}}}").Kind);
        byte[] body = [.. "{\"model\":\"m"u8, 0xC3, .. "\",\"max_tokens\":1,\"messages\":[]}"u8];
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        Assert.Equal(
            "the body is not valid UTF-8",
            AnthropicToChat.TranslateRequest(body, Settings, output, out _)!.Message);
    }

    [Theory]
    [InlineData("""{"type":"container_upload","file_id":"f"}""", "messages.0.content.0")]
    [InlineData("""{"type":"image","source":{"type":"file","file_id":"f"}}""", "messages.0.content.0")]
    [InlineData("""{"type":"document","source":{"type":"url","url":"https://x"}}""", "messages.0.content.0")]
    public void What_a_user_said_and_chat_cannot_say_is_refused(string block, string param)
    {
        var failure = RequestFailure(
            AnthropicToChat, $$"""{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{{block}}]}]}""");
        Assert.Equal(FailureKind.NotSupported, failure.Kind);
        Assert.Equal(param, failure.Param);
    }

    [Fact]
    public void A_tool_that_the_client_runs_but_only_its_provider_defines_is_refused()
    {
        var failure = RequestFailure(AnthropicToChat, """
            {"model":"m","max_tokens":1,"messages":[],"tools":[{"type":"bash_20250124","name":"bash"}]}
            """);
        Assert.Equal(FailureKind.NotSupported, failure.Kind);
        Assert.Equal("tools.0", failure.Param);
    }

    [Fact]
    public void A_search_result_becomes_text()
    {
        var chat = Request(AnthropicToChat, """
            {"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"search_result","title":"T",
              "source":"S","content":[{"type":"text","text":"C"}]},{"type":"text","text":"q"}]}]}
            """);
        Assert.Contains("""{"type":"text","text":"T\nS\nC"}""", chat, StringComparison.Ordinal);
    }

    [Fact]
    public void The_answer_form_is_told()
    {
        var body = Encoding.UTF8.GetBytes("""{"model":"m","max_tokens":1,"stream":true,"messages":[]}""");
        AnthropicToChat.TranslateRequest(body, Settings, new System.Buffers.ArrayBufferWriter<byte>(), out var form);
        Assert.Equal(new AnswerForm(Stream: true, IncludeUsage: true), form);
    }
}
