using System.Text.Json;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>The fields of one choice of a chunk that matter.</summary>
internal ref struct ChoiceFields
{
    public long Index;
    public ReadOnlySpan<byte> Delta;
    public ReadOnlySpan<byte> FinishReason;

    /// <summary>The stop string met, as vLLM (<c>stop_reason</c>) and SGLang (<c>matched_stop</c>) name it.</summary>
    public ReadOnlySpan<byte> StopString;

    public static ChoiceFields Of(ReadOnlySpan<byte> json)
    {
        var choice = default(ChoiceFields);
        var fields = new JsonFields(json);
        while (fields.Next())
        {
            if (fields.Is("index"u8))
            {
                choice.Index = fields.Count;
            }
            else if (fields.Is("delta"u8))
            {
                choice.Delta = fields.Object;
            }
            else if (fields.Is("finish_reason"u8))
            {
                choice.FinishReason = fields.Text;
            }
            else if ((fields.Is("stop_reason"u8) || fields.Is("matched_stop"u8)) && !fields.Text.IsEmpty)
            {
                choice.StopString = fields.Text;
            }
        }

        return choice;
    }
}

/// <summary>The fields of one tool call delta.</summary>
internal ref struct ToolCallFields
{
    /// <summary>Null where the engine does not number its calls.</summary>
    public long? Index;
    public ReadOnlySpan<byte> Id;
    public ReadOnlySpan<byte> Name;
    public ReadOnlySpan<byte> Arguments;

    public static ToolCallFields Of(ReadOnlySpan<byte> json)
    {
        var call = default(ToolCallFields);
        var fields = new JsonFields(json);
        while (fields.Next())
        {
            if (fields.Is("index"u8) && fields.Kind == JsonTokenType.Number)
            {
                call.Index = fields.Count;
            }
            else if (fields.Is("id"u8))
            {
                call.Id = fields.Text;
            }
            else if (fields.Is("function"u8) && !fields.Object.IsEmpty)
            {
                call.ReadFunction(fields.Object);
            }
        }

        return call;
    }

    private void ReadFunction(ReadOnlySpan<byte> json)
    {
        var fields = new JsonFields(json);
        while (fields.Next())
        {
            if (fields.Is("name"u8))
            {
                Name = fields.Text;
            }
            else if (fields.Is("arguments"u8))
            {
                Arguments = fields.Kind == JsonTokenType.StartObject ? JsonOutput.Escape(fields.Value) : fields.Text;
            }
        }
    }
}
