using System.Text.Json.Nodes;
using Penstock.Core.Outcomes;
using static Penstock.Wire.Tests.Turns.Translate;

namespace Penstock.Wire.Tests.Turns;

public sealed class RequestToAnthropicTests
{
    [Fact]
    public void A_whole_chat_request_becomes_an_Anthropic_request() => AssertJson(
        """
        {"model":"served","max_tokens":50,
         "system":[{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"text","text":"late"}],
         "messages":[
          {"role":"user","content":[{"type":"text","text":"see"},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAA="}},
            {"type":"image","source":{"type":"url","url":"https://x/y.png"}},
            {"type":"document","title":"r.pdf","source":{"type":"base64","media_type":"application/pdf","data":"BBB="}},
            {"type":"document","title":"n.txt","source":{"type":"text","media_type":"text/plain","data":"hi"}}]},
          {"role":"assistant","content":[{"type":"text","text":"I look"},
            {"type":"tool_use","id":"call_1","name":"f","input":{"b": 1}},
            {"type":"tool_use","id":"call_2","name":"g","input":{}}]},
          {"role":"user","content":[
            {"type":"tool_result","tool_use_id":"call_1","content":"one"},
            {"type":"tool_result","tool_use_id":"call_2","content":[{"type":"text","text":"x"},{"type":"text",
              "text":"y"}]},
            {"type":"text","text":"go on"}]}],
         "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true},
                  {"name":"g","input_schema":{"type":"object","properties":{}}}],
         "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
         "stop_sequences":["END"],"temperature":1,"top_p":0.9,"stream":true,
         "output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}},
         "metadata":{"user_id":"u"},"service_tier":"auto"}
        """,
        Request(ChatToAnthropic, """
        {"model":"m","max_completion_tokens":50,"temperature":1.7,"top_p":0.9,"stream":true,"seed":7,"logprobs":false,
         "messages":[
          {"role":"system","content":"a"},{"role":"developer","content":[{"type":"text","text":"b"}]},
          {"role":"user","content":[{"type":"text","text":"see"},
            {"type":"image_url","image_url":{"url":"data:image\/png;base64,AAA=","detail":"low"}},
            {"type":"image_url","image_url":{"url":"https://x/y.png"}},
            {"type":"file","file":{"filename":"r.pdf","file_data":"data:application/pdf;base64,BBB="}},
            {"type":"file","file":{"filename":"n.txt","file_data":"data:text/plain;base64,aGk="}}]},
          {"role":"assistant","content":"I look","reasoning_content":"hm","tool_calls":[
            {"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"b\": 1}"}},
            {"id":"call_2","type":"function","function":{"name":"g","arguments":""}}]},
          {"role":"tool","tool_call_id":"call_1","content":"one"},
          {"role":"tool","tool_call_id":"call_2","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]},
          {"role":"user","content":"go on"},
          {"role":"system","content":"late"},
          {"role":"assistant","content":""}],
         "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},
           "strict":true}},
                  {"type":"function","function":{"name":"g"}}],
         "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,
         "stop":["END"," \n"],"reasoning_effort":"minimal","user":"u","service_tier":"priority",
         "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}}
        """));

    [Fact]
    public void What_the_client_left_out_is_filled_and_sampling_can_be_dropped()
    {
        var settings = Settings with { SamplingToAnthropic = false, DefaultMaxTokens = 777, AutomaticCaching = true };
        AssertJson(
            """
            {"model":"served","max_tokens":777,"messages":[{"role":"user","content":[{"type":"text","text":"q"}]}],
             "thinking":{"type":"disabled"},"cache_control":{"type":"ephemeral"}}
            """,
            Request(ChatToAnthropic, """
            {"model":"m","messages":[{"role":"user","content":"q"}],"temperature":0.1,"top_p":1,
              "reasoning_effort":"none",
             "stop":null,"response_format":{"type":"json_object"}}
            """, settings));
    }

    [Fact]
    public void No_parallel_calls_needs_a_tool_choice_to_say_so()
    {
        var body = JsonNode.Parse(Request(ChatToAnthropic, """
            {"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"g"}}],
              "parallel_tool_calls":false}
            """))!;
        AssertJson("""{"type":"auto","disable_parallel_tool_use":true}""", body["tool_choice"]!.ToJsonString());
    }

    [Theory]
    [InlineData("""{"messages":[]}""", "model", FailureKind.InvalidRequest)]
    [InlineData("""{"model":"m"}""", "messages", FailureKind.InvalidRequest)]
    [InlineData("""{"model":"m","messages":[{"role":"boss","content":""}]}""", "messages[0].role",
        FailureKind.InvalidRequest)]
    [InlineData("""{"model":"m","messages":[],"n":2}""", "n", FailureKind.NotSupported)]
    [InlineData("""{"model":"m","messages":[],"functions":[]}""", "functions", FailureKind.NotSupported)]
    [InlineData("""{"model":"m","messages":[],"stream_options":7,"stream":true}""", "stream_options",
        FailureKind.InvalidRequest)]
    [InlineData("""{"model":"m","messages":[],"tools":[{"type":"custom","custom":{}}]}""", "tools[0].type",
        FailureKind.NotSupported)]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}""",
        "messages[0].content[0]", FailureKind.NotSupported)]
    [InlineData(
        """{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"ftp://x"}}]}]}""",
        "messages[0].content[0].image_url.url", FailureKind.InvalidRequest)]
    [InlineData("""
        {"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f",
          "arguments":"{\"a\":"}}]}]}
        """, "messages[0].tool_calls[0].function.arguments", FailureKind.InvalidRequest)]
    [InlineData("""
        {"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f",
          "arguments":"[]"}}]}]}
        """, "messages[0].tool_calls[0].function.arguments", FailureKind.InvalidRequest)]
    public void A_bad_request_names_the_field(string body, string param, FailureKind kind)
    {
        var failure = RequestFailure(ChatToAnthropic, body);
        Assert.Equal(param, failure.Param);
        Assert.Equal(kind, failure.Kind);
    }
}
