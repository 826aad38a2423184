using System.Text.Json;
using Penstock.Core.Metering;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>
/// The <c>usage</c> object of chat completions. Its prompt count includes cached and written tokens; ours are
/// disjoint. A count that an engine gets wrong (more cached than there are) is cut, never negative.
/// </summary>
internal static class OpenAiUsage
{
    public static TokenUsage Read(ReadOnlySpan<byte> usage)
    {
        long prompt = 0;
        long output = 0;
        long cached = 0;
        long written = 0;
        long thinking = 0;
        var fields = new JsonFields(usage);
        while (fields.Next())
        {
            if (fields.Is("prompt_tokens"u8))
            {
                prompt = fields.Count;
            }
            else if (fields.Is("completion_tokens"u8))
            {
                output = fields.Count;
            }
            else if (fields.Is("prompt_tokens_details"u8) && !fields.Object.IsEmpty)
            {
                cached = CountIn(fields.Object, "cached_tokens"u8);
                written = CountIn(fields.Object, "cache_write_tokens"u8);
            }
            else if (fields.Is("completion_tokens_details"u8) && !fields.Object.IsEmpty)
            {
                thinking = CountIn(fields.Object, "reasoning_tokens"u8);
            }
        }

        cached = Math.Min(cached, prompt);
        written = Math.Min(written, prompt - cached);
        return new TokenUsage(prompt - cached - written, written, 0, cached, output, Math.Min(thinking, output));
    }

    public static void Write(Utf8JsonWriter json, in TokenUsage usage)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, usage.Prompt);
        json.WriteNumber("completion_tokens"u8, usage.Output);
        json.WriteNumber("total_tokens"u8, usage.Total);
        json.WriteStartObject("prompt_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, usage.CacheRead);
        json.WriteNumber("cache_write_tokens"u8, usage.CacheWrite5m + usage.CacheWrite1h);
        json.WriteEndObject();
        json.WriteStartObject("completion_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, usage.Thinking);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static long CountIn(ReadOnlySpan<byte> json, ReadOnlySpan<byte> name)
    {
        long count = 0;
        var fields = new JsonFields(json);
        while (fields.Next())
        {
            if (fields.Is(name))
            {
                count = fields.Count;
            }
        }

        return count;
    }
}
