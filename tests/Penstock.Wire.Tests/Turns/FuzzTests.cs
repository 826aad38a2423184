using System.Buffers;
using System.Text;
using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Core.Primitives;
using Penstock.Wire.Errors;
using Penstock.Wire.Sse;
using Penstock.Wire.Turns;
using static Penstock.Wire.Tests.Turns.Translate;

namespace Penstock.Wire.Tests.Turns;

/// <summary>
/// Random mutations of good input, seeded and of a fixed number: whatever comes in, what goes out is a failure value
/// or well-formed output of bounded size, never an exception.
/// </summary>
public sealed class FuzzTests
{
    private const int Rounds = 4000;

    private static readonly string[] Words =
    [
        "{", "}", "[", "]", "\"", ":", ",", "null", "true", "-1", "1e999", "99999999999999999999", "\\u", "\\ud800",
        "\\\"", "\n\n", "\r", "data: ", "event: error\n", "[DONE]", "\0", "é", "\"type\":7", "\"content\":null",
        "{\"type\":\"text\"}", "\"index\":5", "\"input\":{}", "\"arguments\":\"\"", "\"usage\":{}",
    ];

    private static readonly string[] Requests =
    [
        """
        {"model":"m","max_tokens":9,"stream":true,"system":"s","messages":[{"role":"user","content":[
          {"type":"text","text":"q\u00e9"},{"type":"image","source":{"type":"base64","media_type":"image/png",
            "data":"AA=="}},
          {"type":"tool_result","tool_use_id":"t","content":"r","is_error":true}]},{"role":"assistant","content":[
          {"type":"thinking","thinking":"h","signature":"s"},{"type":"tool_use","id":"t","name":"f",
            "input":{"a":[1]}}]}],
          "tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"},
            "thinking":{"type":"adaptive"},
          "output_config":{"effort":"low"},"metadata":{"user_id":"u"}}
        """,
        """
        {"model":"m","max_tokens":9,"stream":true,"stream_options":{"include_usage":true},"stop":"x","messages":[
          {"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"q\u00e9"},
          {"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},{"type":"file",
            "file":{"file_data":"data:text/plain;base64,AA=="}}]},
          {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f",
            "arguments":"{\"a\":1}"}}]},
          {"role":"tool","tool_call_id":"c","content":"r"}],"tools":[{"type":"function","function":{"name":"f",
            "parameters":{}}}],
          "tool_choice":"auto","response_format":{"type":"json_schema","json_schema":{"schema":{}}},
            "reasoning_effort":"low"}
        """,
    ];

    private static readonly string[] Answers =
    [
        """
        {"content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}},
          {"type":"thinking","thinking":"h"}],
         "stop_reason":"tool_use","stop_details":{"explanation":"x"},"usage":{"input_tokens":1,"output_tokens":2,
         "cache_creation":{"ephemeral_1h_input_tokens":3},"output_tokens_details":{"thinking_tokens":1}}}
        """,
        """
        {"choices":[{"index":0,"message":{"content":"a","reasoning":"h","refusal":"n","tool_calls":[{"id":"t",
          "function":{"name":"f",
         "arguments":"{}"}}]},"finish_reason":"stop","stop_reason":"x"}],"usage":{"prompt_tokens":3,
           "completion_tokens":2,
         "prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":1}}}
        """,
    ];

    private static readonly string[] Streams =
    [
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1}}}\n\n"
        + "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        + "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
        + "\"a\\ud83d\"}}\n\n"
        + "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":"
        + "\"t\",\"name\":\"f\",\"input\":{}}}\n\n"
        + "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\","
        + "\"partial_json\":\"{}\"}}\n\n"
        + "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{"
        + "\"output_tokens\":2}}\n\n"
        + "data: {\"type\":\"message_stop\"}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"a\"}}]}\n\n"
        + "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"h\\ud83d\"}}]}\n\n"
        + "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{"
        + "\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n"
        + "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
        + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
    ];

    [Theory]
    [InlineData(Dialect.Anthropic, Dialect.OpenAiChat)]
    [InlineData(Dialect.OpenAiChat, Dialect.Anthropic)]
    [InlineData(Dialect.Anthropic, Dialect.Anthropic)]
    [InlineData(Dialect.OpenAiChat, Dialect.OpenAiChat)]
    public void Requests_and_answers_give_failures_or_JSON(Dialect client, Dialect engine)
    {
        var pair = DialectPair.Of(client, engine);
        var rng = new Rng(7);
        var passed = 0;
        for (var i = 0; i < Rounds; i++)
        {
            var body = Mutate(Requests[(int)client], ref rng);
            var output = new ArrayBufferWriter<byte>();
            if (pair.TranslateRequest(body, Settings, output, out _) is null)
            {
                passed++;
                AssertJson(output.WrittenMemory);
                Assert.InRange(output.WrittenCount, 0, (body.Length * 8) + 2000);
            }

            var answer = Mutate(Answers[(int)engine], ref rng);
            output = new ArrayBufferWriter<byte>();
            if (pair.TranslateResponse(answer, Settings, output, out var usage) is null)
            {
                AssertJson(output.WrittenMemory);
            }

            Assert.True(usage is { Input: >= 0, CacheRead: >= 0, Output: >= 0 });
            Assert.True(usage is { CacheWrite5m: >= 0, CacheWrite1h: >= 0, Thinking: >= 0 });
            Assert.NotEmpty(pair.TranslateError(rng.NextInt32(600), answer).Message);
        }

        // A fuzzer whose every input is refused at the door tests nothing behind it.
        Assert.InRange(passed, Rounds / 100, Rounds);
    }

    [Theory]
    [InlineData(Dialect.Anthropic, Dialect.OpenAiChat)]
    [InlineData(Dialect.OpenAiChat, Dialect.Anthropic)]
    public void Streams_always_end_well_formed(Dialect client, Dialect engine)
    {
        var rng = new Rng(11);
        var whole = 0;
        for (var i = 0; i < Rounds; i++)
        {
            var bytes = Mutate(Streams[(int)engine], ref rng);
            var sizes = Enumerable.Range(0, 1 + rng.NextInt32(5)).Select(_ => 1 + rng.NextInt32(40)).ToArray();
            var pair = DialectPair.Of(client, engine);
            var text = Stream(pair, bytes, Settings with { ReasoningContent = true }, out var stream, sizes);
            Assert.Equal(text, Stream(pair, bytes, Settings with { ReasoningContent = true }, out _, 3));
            Assert.True(stream.Finished);
            whole += stream.Failure is null ? 1 : 0;
            AssertStream(client, text, stream.Failure is not null);
        }

        Assert.InRange(whole, Rounds / 100, Rounds);
    }

    private static void AssertStream(Dialect client, string text, bool broken)
    {
        using var reader = new SseReader();
        Assert.Null(reader.Feed(Encoding.UTF8.GetBytes(text)));
        var last = "";
        while (reader.TryRead(out var e))
        {
            last = Encoding.UTF8.GetString(e.Data);
            if (last != "[DONE]")
            {
                AssertJson(Encoding.UTF8.GetBytes(last));
            }
        }

        Assert.False(reader.HasPartial);
        var end = broken ? "\"error\"" : client == Dialect.Anthropic ? "message_stop" : "[DONE]";
        Assert.Contains(end, last, StringComparison.Ordinal);
    }

    private static void AssertJson(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 500 });
    }

    private static byte[] Mutate(string good, ref Rng rng)
    {
        var bytes = new List<byte>(Encoding.UTF8.GetBytes(good));
        for (var times = 1 + rng.NextInt32(3); times > 0 && bytes.Count > 0; times--)
        {
            var at = rng.NextInt32(bytes.Count);
            var length = Math.Min(bytes.Count - at, 1 + rng.NextInt32(12));
            switch (rng.NextInt32(6))
            {
                case 0:
                    bytes[at] = (byte)rng.NextInt32(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, length);
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 3:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Words[rng.NextInt32(Words.Length)]));
                    break;
                case 4:
                    bytes.RemoveRange(at, length);
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Words[rng.NextInt32(Words.Length)]));
                    break;
                default:
                    var letter = (byte)('a' + rng.NextInt32(26));
                    bytes[at] = char.IsAsciiLetter((char)bytes[at]) ? letter : bytes[at];
                    break;
            }
        }

        return [.. bytes];
    }
}
