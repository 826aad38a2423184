using System.Text.Json;
using Penstock.Simulator.Texts;

namespace Penstock.Cli.Engine.Answers;

/// <summary>Anthropic messages: every nullable field of the current schema is there, as an explicit null.</summary>
internal sealed class MessagesFormat : IAnswerFormat
{
    public static MessagesFormat Instance { get; } = new();

    public void Start(AnswerHead head, AnswerOutput output)
    {
        var json = Begin(output, "message_start"u8);
        json.WriteStartObject("message"u8);
        WriteMessage(json, head, whole: false);
        json.WriteEndObject();
        End(json, output);

        json = Begin(output, "content_block_start"u8);
        json.WriteNumber("index"u8, 0);
        json.WriteStartObject("content_block"u8);
        if (head.Tool is { } tool)
        {
            WriteToolUse(json, head, tool.Name, default);
        }
        else
        {
            WriteText(json, []);
        }

        json.WriteEndObject();
        End(json, output);
    }

    public void Delta(AnswerHead head, ReadOnlySpan<byte> text, AnswerOutput output)
    {
        var json = Begin(output, "content_block_delta"u8);
        json.WriteNumber("index"u8, 0);
        json.WriteStartObject("delta"u8);
        if (head.Tool is null)
        {
            json.WriteString("type"u8, "text_delta"u8);
            json.WriteString("text"u8, text);
        }
        else
        {
            json.WriteString("type"u8, "input_json_delta"u8);
            json.WriteString("partial_json"u8, text);
        }

        json.WriteEndObject();
        End(json, output);
    }

    public void End(AnswerHead head, AnswerOutput output)
    {
        var json = Begin(output, "content_block_stop"u8);
        json.WriteNumber("index"u8, 0);
        End(json, output);

        json = Begin(output, "message_delta"u8);
        json.WriteStartObject("delta"u8);
        json.WriteString("stop_reason"u8, StopReason(head.Answer));
        json.WriteString("stop_sequence"u8, head.Answer.StopSequence);
        json.WriteNull("stop_details"u8);
        json.WriteNull("container"u8);
        json.WriteEndObject();
        json.WriteStartObject("usage"u8);
        WriteCounts(json, head, head.Answer.Tokens);
        json.WriteNull("server_tool_use"u8);
        json.WriteNull("output_tokens_details"u8);
        json.WriteEndObject();
        End(json, output);

        json = Begin(output, "message_stop"u8);
        End(json, output);
    }

    public void Whole(AnswerHead head, AnswerOutput output)
    {
        output.Json.WriteStartObject();
        WriteMessage(output.Json, head, whole: true);
        output.Json.WriteEndObject();
        output.Json.Flush();
    }

    private static Utf8JsonWriter Begin(AnswerOutput output, ReadOnlySpan<byte> type)
    {
        var json = output.BeginEvent(type);
        json.WriteStartObject();
        json.WriteString("type"u8, type);
        return json;
    }

    private static void End(Utf8JsonWriter json, AnswerOutput output)
    {
        json.WriteEndObject();
        output.EndEvent();
    }

    private static void WriteMessage(Utf8JsonWriter json, AnswerHead head, bool whole)
    {
        json.WriteString("id"u8, "msg_" + head.Id);
        json.WriteString("type"u8, "message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("model"u8, head.Model);
        json.WriteStartArray("content"u8);
        if (whole)
        {
            WriteContent(json, head);
        }

        json.WriteEndArray();
        json.WriteString("stop_reason"u8, whole ? StopReason(head.Answer) : null);
        json.WriteString("stop_sequence"u8, whole ? head.Answer.StopSequence : null);
        json.WriteNull("stop_details"u8);
        json.WriteNull("container"u8);
        json.WriteNull("diagnostics"u8);
        json.WriteStartObject("usage"u8);
        WriteCounts(json, head, whole ? head.Answer.Tokens : 1);
        json.WriteStartObject("cache_creation"u8);
        json.WriteNumber("ephemeral_5m_input_tokens"u8, 0);
        json.WriteNumber("ephemeral_1h_input_tokens"u8, 0);
        json.WriteEndObject();
        json.WriteNull("server_tool_use"u8);
        json.WriteString("service_tier"u8, "standard"u8);
        json.WriteNull("inference_geo"u8);
        json.WriteNull("speed"u8);
        json.WriteNull("output_tokens_details"u8);
        json.WriteEndObject();
    }

    private static void WriteContent(Utf8JsonWriter json, AnswerHead head)
    {
        json.WriteStartObject();
        if (head.Tool is { } tool)
        {
            // Arguments that were cut are no JSON; an object has no place for half of one.
            WriteToolUse(json, head, tool.Name, head.Answer.End == AnswerEnd.ToolCall ? head.Answer.Text : default);
        }
        else
        {
            WriteText(json, head.Answer.Text);
        }

        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> text)
    {
        json.WriteString("type"u8, "text"u8);
        json.WriteString("text"u8, text);
        json.WriteNull("citations"u8);
    }

    private static void WriteToolUse(Utf8JsonWriter json, AnswerHead head, string name, ReadOnlySpan<byte> arguments)
    {
        json.WriteString("type"u8, "tool_use"u8);
        json.WriteString("id"u8, "toolu_" + head.Id);
        json.WriteString("name"u8, name);
        json.WritePropertyName("input"u8);
        json.WriteRawValue(arguments.IsEmpty ? "{}"u8 : arguments, skipInputValidation: true);
        json.WriteStartObject("caller"u8);
        json.WriteString("type"u8, "direct"u8);
        json.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter json, AnswerHead head, int outputTokens)
    {
        json.WriteNumber("input_tokens"u8, head.PromptTokens - head.CachedTokens);
        json.WriteNumber("output_tokens"u8, outputTokens);
        json.WriteNumber("cache_creation_input_tokens"u8, 0);
        json.WriteNumber("cache_read_input_tokens"u8, head.CachedTokens);
    }

    private static string StopReason(PlannedAnswer answer) => answer.End switch
    {
        AnswerEnd.Length => "max_tokens",
        AnswerEnd.StopSequence => "stop_sequence",
        AnswerEnd.ToolCall => "tool_use",
        _ => "end_turn",
    };
}
