using Penstock.Core.Models;
using Penstock.Wire.Turns;
using static Penstock.Wire.Tests.Turns.Translate;

namespace Penstock.Wire.Tests.Turns;

/// <summary>Read and written again in one dialect, a request keeps all it said, unknown fields and parts too.</summary>
public sealed class SameDialectTests
{
    private static readonly TranslationSettings Plain =
        Settings with { EngineModel = null, KeepSystemPositions = true, EngineExtensions = true };

    [Fact]
    public void An_Anthropic_request_keeps_everything()
    {
        const string body = """
            {"model":"m","max_tokens":9,"stream":true,"temperature":0.5,"top_p":0.5,"top_k":4,"stop_sequences":["a"],
             "system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}],
             "messages":[
               {"role":"user","content":[{"type":"text","text":"","cache_control":{"type":"ephemeral"}},
                 {"type":"image","source":{"type":"file","file_id":"f"},"transformations":{"oversized_image":"error"}},
                 {"type":"document","source":{"type":"content","content":[{"type":"text","text":"t"}]},"context":"c",
                  "citations":{"enabled":true}},
                 {"type":"container_upload","file_id":"f"}]},
               {"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"s"},
                 {"type":"redacted_thinking","data":"d"},{"type":"server_tool_use","id":"1","name":"n",
                   "input":{"q":[1.50]}},
                 {"type":"tool_use","id":"t","name":"f","input":{"x":1},"caller":{"type":"direct"}}]},
               {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","is_error":true,
                 "content":[{"type":"tool_reference","tool_name":"z"}]}]},
               {"role":"system","output_config":{"effort":"low"},"content":[{"type":"text","text":"mid"}]}],
             "tools":[{"name":"f","input_schema":{"type":"object"},"eager_input_streaming":true,"defer_loading":true},
                      {"type":"bash_20250124","name":"bash"}],
             "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":false},
             "thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"xhigh"},
             "metadata":{"user_id":"u"},"service_tier":"auto","inference_geo":"us","context_management":{"edits":[]}}
            """;
        AssertJson(body, Request(DialectPair.Of(Dialect.Anthropic, Dialect.Anthropic), body, Plain));
    }

    [Fact]
    public void A_chat_request_keeps_everything()
    {
        const string body = """
            {"model":"m","max_tokens":9,"stream":true,"stream_options":{"include_usage":true},"temperature":1.5,
              "top_p":1,
             "top_k":4,"stop":["a"],"seed":7,"logit_bias":{"50":-100},"min_p":0.1,"reasoning_effort":"low","user":"u",
             "messages":[
               {"role":"system","content":"s"},
               {"role":"user","name":"bob","content":[{"type":"text","text":"q"},{"type":"input_audio",
                 "input_audio":{"data":""}},
                 {"type":"file","file":{"file_id":"f"}}]},
               {"role":"assistant","content":"a","tool_calls":[{"id":"t","type":"function","function":{"name":"f",
                 "arguments":"{}"}}]},
               {"role":"tool","tool_call_id":"t","content":"r"}],
             "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":false}}],
             "tool_choice":"none","parallel_tool_calls":true,"response_format":{"type":"json_object"},
               "service_tier":"flex"}
            """;
        AssertJson(body, Request(DialectPair.Of(Dialect.OpenAiChat, Dialect.OpenAiChat), body, Plain));
    }
}
