using System.Buffers;
using System.Text.Json;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>Bodies of <c>GET /v1/models</c> and <c>GET /v1/models/{id}</c> of the OpenAI API. Stateless.</summary>
public static class OpenAiModels
{
    /// <summary>Writes the list, which this API gives whole.</summary>
    public static void WriteList(ReadOnlySpan<ModelEntry> models, IBufferWriter<byte> output)
    {
        using var json = JsonOutput.To(output);
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        foreach (var model in models)
        {
            Write(json, model);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Writes one model.</summary>
    public static void WriteModel(ModelEntry model, IBufferWriter<byte> output)
    {
        using var json = JsonOutput.To(output);
        Write(json, model);
    }

    private static void Write(Utf8JsonWriter json, ModelEntry model)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, model.Id);
        json.WriteString("object"u8, "model"u8);
        json.WriteNumber("created"u8, model.CreatedAt.ToUnixTimeSeconds());
        json.WriteString("owned_by"u8, model.Simulated ? "penstock-simulated"u8 : "penstock"u8);
        if (model.MaxInputTokens is { } window)
        {
            // As vLLM names it; clients that size their prompts look for it.
            json.WriteNumber("max_model_len"u8, window);
        }

        json.WriteEndObject();
    }
}
