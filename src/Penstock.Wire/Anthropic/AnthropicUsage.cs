using System.Text.Json;
using Penstock.Core.Metering;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>
/// The <c>usage</c> object of the Messages API. In a stream it comes twice: whole at the start, cumulative and
/// partial at the end; what the end does not say stands as the start said it.
/// </summary>
internal static class AnthropicUsage
{
    /// <summary><paramref name="before"/>, with what the object says put in its place.</summary>
    public static TokenUsage Merge(TokenUsage before, ReadOnlySpan<byte> usage)
    {
        var merged = before;
        long? written = null;
        long? writtenOneHour = null;
        var fields = new JsonFields(usage);
        while (fields.Next())
        {
            if (fields.Kind == JsonTokenType.Number)
            {
                if (fields.Is("input_tokens"u8))
                {
                    merged = merged with { Input = fields.Count };
                }
                else if (fields.Is("output_tokens"u8))
                {
                    merged = merged with { Output = fields.Count };
                }
                else if (fields.Is("cache_read_input_tokens"u8))
                {
                    merged = merged with { CacheRead = fields.Count };
                }
                else if (fields.Is("cache_creation_input_tokens"u8))
                {
                    written = fields.Count;
                }
            }
            else if (fields.Is("cache_creation"u8))
            {
                writtenOneHour = CountIn(fields.Object, "ephemeral_1h_input_tokens"u8);
            }
            else if (fields.Is("output_tokens_details"u8))
            {
                merged = merged with { Thinking = CountIn(fields.Object, "thinking_tokens"u8) ?? merged.Thinking };
            }
        }

        var total = written ?? before.CacheWrite5m + before.CacheWrite1h;
        var oneHour = Math.Min(total, writtenOneHour ?? before.CacheWrite1h);
        return merged with { CacheWrite1h = oneHour, CacheWrite5m = total - oneHour };
    }

    /// <summary>Writes the usage of a whole message: every field present, null where nothing is known.</summary>
    public static void WriteWhole(Utf8JsonWriter json, in TokenUsage usage)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("input_tokens"u8, usage.Input);
        json.WriteNumber("cache_creation_input_tokens"u8, usage.CacheWrite5m + usage.CacheWrite1h);
        json.WriteNumber("cache_read_input_tokens"u8, usage.CacheRead);
        json.WriteStartObject("cache_creation"u8);
        json.WriteNumber("ephemeral_5m_input_tokens"u8, usage.CacheWrite5m);
        json.WriteNumber("ephemeral_1h_input_tokens"u8, usage.CacheWrite1h);
        json.WriteEndObject();
        json.WriteNumber("output_tokens"u8, usage.Output);
        WriteDetails(json, usage);
        json.WriteNull("server_tool_use"u8);
        json.WriteNull("service_tier"u8);
        json.WriteNull("inference_geo"u8);
        json.WriteNull("speed"u8);
        json.WriteEndObject();
    }

    /// <summary>Writes the cumulative usage of a <c>message_delta</c>.</summary>
    public static void WriteDelta(Utf8JsonWriter json, in TokenUsage usage)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("input_tokens"u8, usage.Input);
        json.WriteNumber("cache_creation_input_tokens"u8, usage.CacheWrite5m + usage.CacheWrite1h);
        json.WriteNumber("cache_read_input_tokens"u8, usage.CacheRead);
        json.WriteNumber("output_tokens"u8, usage.Output);
        WriteDetails(json, usage);
        json.WriteNull("server_tool_use"u8);
        json.WriteEndObject();
    }

    private static void WriteDetails(Utf8JsonWriter json, in TokenUsage usage)
    {
        if (usage.Thinking == 0)
        {
            json.WriteNull("output_tokens_details"u8);
            return;
        }

        json.WriteStartObject("output_tokens_details"u8);
        json.WriteNumber("thinking_tokens"u8, usage.Thinking);
        json.WriteEndObject();
    }

    private static long? CountIn(ReadOnlySpan<byte> json, ReadOnlySpan<byte> name)
    {
        if (json.IsEmpty)
        {
            return null;
        }

        long? count = null;
        var fields = new JsonFields(json);
        while (fields.Next())
        {
            if (fields.Is(name) && fields.Kind == JsonTokenType.Number)
            {
                count = fields.Count;
            }
        }

        return count;
    }
}
