using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>Bodies of <c>GET /v1/models</c> and <c>GET /v1/models/{id}</c> of the Anthropic API. Stateless.</summary>
public static class AnthropicModels
{
    /// <summary>Writes one page of the list.</summary>
    /// <param name="models">The page.</param>
    /// <param name="hasMore">Whether further pages follow.</param>
    /// <param name="output">Where to.</param>
    public static void WriteList(ReadOnlySpan<ModelEntry> models, bool hasMore, IBufferWriter<byte> output)
    {
        using var json = JsonOutput.To(output);
        json.WriteStartObject();
        json.WriteStartArray("data"u8);
        foreach (var model in models)
        {
            Write(json, model);
        }

        json.WriteEndArray();
        json.WriteBoolean("has_more"u8, hasMore);
        json.WriteString("first_id"u8, models.IsEmpty ? null : models[0].Id);
        json.WriteString("last_id"u8, models.IsEmpty ? null : models[^1].Id);
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
        json.WriteString("type"u8, "model"u8);
        json.WriteString("display_name"u8, model.Simulated ? $"{model.DisplayName} (simulated)" : model.DisplayName);
        json.WriteString(
            "created_at"u8,
            model.CreatedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        json.WriteNull("line"u8);
        json.WriteString("lifecycle"u8, "active"u8);
        json.WriteNull("deprecated_at"u8);
        json.WriteNull("retires_at"u8);
        WriteCount(json, "max_input_tokens"u8, model.MaxInputTokens);
        WriteCount(json, "max_tokens"u8, model.MaxOutputTokens);
        json.WriteNull("capabilities"u8);
        if (model.Simulated)
        {
            json.WriteBoolean("simulated"u8, true);
        }

        json.WriteEndObject();
    }

    private static void WriteCount(Utf8JsonWriter json, ReadOnlySpan<byte> name, long? count)
    {
        if (count is { } value)
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
