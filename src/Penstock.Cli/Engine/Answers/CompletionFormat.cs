using System.Text.Json;
using Penstock.Simulator.Texts;

namespace Penstock.Cli.Engine.Answers;

/// <summary>Text completions as vLLM writes them.</summary>
internal sealed class CompletionFormat : IAnswerFormat
{
    public static CompletionFormat Instance { get; } = new();

    public void Start(AnswerHead head, AnswerOutput output)
    {
        // The first chunk of this endpoint is the first token.
    }

    public void Delta(AnswerHead head, ReadOnlySpan<byte> text, AnswerOutput output)
    {
        WriteChoice(output.BeginEvent([]), head, text, null);
        output.Json.WriteEndObject();
        output.EndEvent();
    }

    public void End(AnswerHead head, AnswerOutput output)
    {
        WriteChoice(output.BeginEvent([]), head, [], head.Answer);
        output.Json.WriteEndObject();
        output.EndEvent();
        if (head.IncludeUsage)
        {
            var json = output.BeginEvent([]);
            WriteHead(json, head);
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
        WriteChoice(json, head, head.Answer.Text, head.Answer);
        OpenAiUsage.Write(json, head);
        json.WriteEndObject();
        json.Flush();
    }

    private static void WriteChoice(
        Utf8JsonWriter json, AnswerHead head, ReadOnlySpan<byte> text, PlannedAnswer? finished)
    {
        WriteHead(json, head);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        json.WriteString("text"u8, text);
        json.WriteNull("logprobs"u8);
        OpenAiUsage.WriteFinish(json, finished);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteHead(Utf8JsonWriter json, AnswerHead head)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, "cmpl-" + head.Id);
        json.WriteString("object"u8, "text_completion"u8);
        json.WriteNumber("created"u8, head.Created);
        json.WriteString("model"u8, head.Model);
    }
}
