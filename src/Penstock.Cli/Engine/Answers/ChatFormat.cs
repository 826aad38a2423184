using System.Text.Json;
using Penstock.Simulator.Texts;

namespace Penstock.Cli.Engine.Answers;

/// <summary>Chat completions as vLLM writes them.</summary>
internal sealed class ChatFormat : IAnswerFormat
{
    public static ChatFormat Instance { get; } = new();

    public void Start(AnswerHead head, AnswerOutput output)
    {
        var json = BeginChunk(head, output);
        json.WriteString("role"u8, "assistant"u8);
        if (head.Tool is null)
        {
            json.WriteString("content"u8, ""u8);
        }
        else
        {
            json.WriteNull("content"u8);
        }

        EndChunk(json, output, null);
        if (head.Tool is { } tool)
        {
            json = BeginChunk(head, output);
            json.WriteStartArray("tool_calls"u8);
            json.WriteStartObject();
            json.WriteNumber("index"u8, 0);
            WriteCall(json, head, tool.Name, []);
            json.WriteEndObject();
            json.WriteEndArray();
            EndChunk(json, output, null);
        }
    }

    public void Delta(AnswerHead head, ReadOnlySpan<byte> text, AnswerOutput output)
    {
        var json = BeginChunk(head, output);
        if (head.Tool is null)
        {
            json.WriteString("content"u8, text);
        }
        else
        {
            json.WriteStartArray("tool_calls"u8);
            json.WriteStartObject();
            json.WriteNumber("index"u8, 0);
            json.WriteStartObject("function"u8);
            json.WriteString("arguments"u8, text);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
        }

        EndChunk(json, output, null);
    }

    public void End(AnswerHead head, AnswerOutput output)
    {
        var json = BeginChunk(head, output);
        if (head.Tool is null)
        {
            json.WriteString("content"u8, ""u8);
        }

        EndChunk(json, output, head.Answer);
        if (head.IncludeUsage)
        {
            json = output.BeginEvent([]);
            json.WriteStartObject();
            WriteHead(json, head, "chat.completion.chunk"u8);
            json.WriteStartArray("choices"u8);
            json.WriteEndArray();
            OpenAiUsage.Write(json, head);
            json.WriteEndObject();
            output.EndEvent();
        }

        output.Done();
    }

    public void Whole(AnswerHead head, AnswerOutput output)
    {
        var json = output.Json;
        json.WriteStartObject();
        WriteHead(json, head, "chat.completion"u8);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        if (head.Tool is { } tool)
        {
            json.WriteNull("content"u8);
            json.WriteStartArray("tool_calls"u8);
            json.WriteStartObject();
            WriteCall(json, head, tool.Name, head.Answer.Text);
            json.WriteEndObject();
            json.WriteEndArray();
        }
        else
        {
            json.WriteString("content"u8, head.Answer.Text);
        }

        json.WriteNull("refusal"u8);
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        OpenAiUsage.WriteFinish(json, head.Answer);
        json.WriteEndObject();
        json.WriteEndArray();
        OpenAiUsage.Write(json, head);
        json.WriteEndObject();
        json.Flush();
    }

    private static Utf8JsonWriter BeginChunk(AnswerHead head, AnswerOutput output)
    {
        var json = output.BeginEvent([]);
        json.WriteStartObject();
        WriteHead(json, head, "chat.completion.chunk"u8);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        json.WriteStartObject("delta"u8);
        return json;
    }

    private static void EndChunk(Utf8JsonWriter json, AnswerOutput output, PlannedAnswer? finished)
    {
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        OpenAiUsage.WriteFinish(json, finished);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        output.EndEvent();
    }

    private static void WriteHead(Utf8JsonWriter json, AnswerHead head, ReadOnlySpan<byte> kind)
    {
        json.WriteString("id"u8, "chatcmpl-" + head.Id);
        json.WriteString("object"u8, kind);
        json.WriteNumber("created"u8, head.Created);
        json.WriteString("model"u8, head.Model);
    }

    private static void WriteCall(Utf8JsonWriter json, AnswerHead head, string name, ReadOnlySpan<byte> arguments)
    {
        json.WriteString("id"u8, "chatcmpl-tool-" + head.Id);
        json.WriteString("type"u8, "function"u8);
        json.WriteStartObject("function"u8);
        json.WriteString("name"u8, name);
        json.WriteString("arguments"u8, arguments);
        json.WriteEndObject();
    }
}

/// <summary>What the two OpenAI endpoints share: how an answer ends and what it cost.</summary>
internal static class OpenAiUsage
{
    public static void Write(Utf8JsonWriter json, AnswerHead head)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, head.PromptTokens);
        json.WriteNumber("total_tokens"u8, head.PromptTokens + head.Answer.Tokens);
        json.WriteNumber("completion_tokens"u8, head.Answer.Tokens);
        json.WriteStartObject("prompt_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, head.CachedTokens);
        json.WriteEndObject();
        json.WriteEndObject();
        if (head.TellsTimings)
        {
            json.WriteStartObject("timings"u8);
            json.WriteNumber("cache_n"u8, head.CachedTokens);
            json.WriteNumber("prompt_n"u8, head.PromptTokens - head.CachedTokens);
            json.WriteNumber("predicted_n"u8, head.Answer.Tokens);
            json.WriteEndObject();
        }
    }

    /// <summary>The fields <c>finish_reason</c> and vLLM's own <c>stop_reason</c>; null while it goes on.</summary>
    public static void WriteFinish(Utf8JsonWriter json, PlannedAnswer? finished)
    {
        json.WriteString("finish_reason"u8, finished?.End switch
        {
            null => null,
            AnswerEnd.Length => "length",
            AnswerEnd.ToolCall => "tool_calls",
            _ => "stop",
        });
        if (finished is not null)
        {
            json.WriteString("stop_reason"u8, finished.StopSequence);
        }
    }
}
