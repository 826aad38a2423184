using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using static Penstock.Wire.Tests.Turns.Translate;

namespace Penstock.Wire.Tests.Turns;

public sealed class RoundTripTests
{
    private static readonly Arbitrary<string[]> Texts = Arb.From(
        ArbMap.Default.GeneratorFor<string>()
            .Where(text => !string.IsNullOrEmpty(text) && IsUnicode(text))
            .ArrayOf()
            .Where(texts => texts.Length is > 0 and < 12));

    [Fact]
    public void A_chat_conversation_survives_the_way_to_Anthropic_and_back() => Prop.ForAll(Texts, texts =>
    {
        var chat = new JsonObject { ["model"] = "served", ["max_tokens"] = 5, ["messages"] = Conversation(texts) };
        var there = Request(ChatToAnthropic, chat.ToJsonString());
        var back = Request(AnthropicToChat, there);
        return JsonNode.DeepEquals(chat, JsonNode.Parse(back));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_stream_says_the_same_after_the_way_to_chat_and_back() => Prop.ForAll(Texts, texts =>
    {
        var first = Stream(ChatToAnthropic, AnthropicStream(texts), Settings with { IncludeUsage = true });
        var back = Stream(AnthropicToChat, first);
        return Said(back).SequenceEqual(Expected(texts));
    }).QuickCheckThrowOnFailure();

    private static bool IsUnicode(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>User and assistant in turn; every second assistant calls a tool whose result follows.</summary>
    private static JsonArray Conversation(string[] texts)
    {
        var messages = new JsonArray(new JsonObject { ["role"] = "system", ["content"] = texts[0] });
        for (var i = 0; i < texts.Length; i++)
        {
            messages.Add(new JsonObject { ["role"] = "user", ["content"] = texts[i] });
            var answer = new JsonObject { ["role"] = "assistant", ["content"] = texts[^(i + 1)] };
            if (i % 2 == 1)
            {
                var function = new JsonObject
                {
                    ["name"] = "f",
                    ["arguments"] = new JsonObject { [texts[i]] = i }.ToJsonString(),
                };
                answer["tool_calls"] = new JsonArray(
                    new JsonObject { ["id"] = $"c{i}", ["type"] = "function", ["function"] = function });
                messages.Add(answer);
                answer = new JsonObject { ["role"] = "tool", ["tool_call_id"] = $"c{i}", ["content"] = texts[i] };
            }

            messages.Add(answer);
            if (i % 2 == 1)
            {
                messages.Add(new JsonObject { ["role"] = "assistant", ["content"] = "so" });
            }
        }

        return messages;
    }

    private static string AnthropicStream(string[] texts)
    {
        var text = new StringBuilder();
        Event(text, new JsonObject { ["type"] = "message_start", ["message"] = new JsonObject() });
        for (var i = 0; i < texts.Length; i++)
        {
            var isTool = i % 3 == 2;
            Event(text, new JsonObject
            {
                ["type"] = "content_block_start",
                ["index"] = i,
                ["content_block"] = isTool
                    ? Tool(texts[i])
                    : new JsonObject { ["type"] = "text", ["text"] = "" },
            });
            Event(text, new JsonObject
            {
                ["type"] = "content_block_delta",
                ["index"] = i,
                ["delta"] = isTool
                    ? new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = texts[i] }
                    : new JsonObject { ["type"] = "text_delta", ["text"] = texts[i] },
            });
            Event(text, new JsonObject { ["type"] = "content_block_stop", ["index"] = i });
        }

        var stop = new JsonObject { ["stop_reason"] = "max_tokens" };
        Event(text, new JsonObject { ["type"] = "message_delta", ["delta"] = stop });
        Event(text, new JsonObject { ["type"] = "message_stop" });
        return text.ToString();
    }

    private static void Event(StringBuilder text, JsonObject data) =>
        text.Append($"event: {data["type"]}\ndata: {data.ToJsonString()}\n\n");

    private static JsonObject Tool(string id) =>
        new() { ["type"] = "tool_use", ["id"] = id, ["name"] = "f", ["input"] = new JsonObject() };

    /// <summary>What each block said; chat knows no border between two texts, so those become one.</summary>
    private static List<string> Expected(string[] texts)
    {
        var said = new List<string>();
        for (var i = 0; i < texts.Length; i++)
        {
            if (i % 3 == 1)
            {
                said[^1] += texts[i];
            }
            else
            {
                said.Add(i % 3 == 2 ? $"{texts[i]}={texts[i]}" : texts[i]);
            }
        }

        said.Add("max_tokens");
        return said;
    }

    private static List<string> Said(string stream)
    {
        var said = new List<string>();
        foreach (var line in stream.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)))
        {
            var data = JsonNode.Parse(line[6..])!;
            switch ((string?)data["type"])
            {
                case "content_block_start":
                    Assert.Equal(said.Count, (int)data["index"]!);
                    said.Add(data["content_block"]!["id"] is { } id ? $"{id}=" : "");
                    break;
                case "content_block_delta":
                    said[^1] += (string?)data["delta"]!["text"] ?? (string?)data["delta"]!["partial_json"];
                    break;
                case "message_delta":
                    said.Add((string)data["delta"]!["stop_reason"]!);
                    break;
            }
        }

        return said;
    }
}
