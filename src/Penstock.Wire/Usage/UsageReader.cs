using System.Text.Json;
using Penstock.Core.Metering;
using Penstock.Core.Models;

namespace Penstock.Wire.Usage;

/// <summary>
/// Finds the <c>usage</c> object in one JSON document of an engine: a whole answer, or the data of one stream event.
/// Anthropic's form is in §2.3 of the Messages reference, OpenAI's in the chat completion object; engines leave
/// members out, and null counts as left out.
/// </summary>
public static class UsageReader
{
    /// <summary>
    /// Adds what <paramref name="json"/> says to <paramref name="usage"/>: members that are given replace what was
    /// known. False where there is no usage in it, or where it is not JSON.
    /// </summary>
    public static bool TryRead(Dialect dialect, ReadOnlySpan<byte> json, ref TokenUsage usage)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
        try
        {
            if (!FindUsage(ref reader))
            {
                return false;
            }

            usage = dialect == Dialect.Anthropic ? ReadAnthropic(ref reader, usage) : ReadOpenAi(ref reader);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Stands on the first brace of the usage at the top level, or of a member <c>message</c> there.</summary>
    private static bool FindUsage(ref Utf8JsonReader reader)
    {
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            var isUsage = reader.ValueTextEquals("usage"u8);
            var isMessage = !isUsage && reader.CurrentDepth == 1 && reader.ValueTextEquals("message"u8);
            reader.Read();
            if (isUsage && reader.TokenType == JsonTokenType.StartObject)
            {
                return true;
            }

            if (!isMessage)
            {
                reader.Skip();
            }
        }

        return false;
    }

    private static TokenUsage ReadAnthropic(ref Utf8JsonReader reader, TokenUsage known)
    {
        long? write = null;
        long? write5m = null;
        long? write1h = null;
        var usage = known;
        var depth = reader.CurrentDepth;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            if (reader.ValueTextEquals("input_tokens"u8))
            {
                usage = usage with { Input = Number(ref reader) ?? usage.Input };
            }
            else if (reader.ValueTextEquals("output_tokens"u8))
            {
                usage = usage with { Output = Number(ref reader) ?? usage.Output };
            }
            else if (reader.ValueTextEquals("cache_read_input_tokens"u8))
            {
                usage = usage with { CacheRead = Number(ref reader) ?? usage.CacheRead };
            }
            else if (reader.ValueTextEquals("cache_creation_input_tokens"u8))
            {
                write = Number(ref reader) ?? write;
            }
            else if (reader.ValueTextEquals("ephemeral_5m_input_tokens"u8))
            {
                write5m = Number(ref reader) ?? write5m;
            }
            else if (reader.ValueTextEquals("ephemeral_1h_input_tokens"u8))
            {
                write1h = Number(ref reader) ?? write1h;
            }
            else if (reader.ValueTextEquals("thinking_tokens"u8))
            {
                usage = usage with { Thinking = Number(ref reader) ?? usage.Thinking };
            }
        }

        if (write5m is not null || write1h is not null)
        {
            return usage with { CacheWrite5m = write5m ?? 0, CacheWrite1h = write1h ?? 0 };
        }

        // The last event repeats the sum of the cache writes without the split that the first one gave.
        return write is null || write == usage.CacheWrite5m + usage.CacheWrite1h
            ? usage
            : usage with { CacheWrite5m = write.Value, CacheWrite1h = 0 };
    }

    private static TokenUsage ReadOpenAi(ref Utf8JsonReader reader)
    {
        long prompt = 0;
        long output = 0;
        long read = 0;
        long write = 0;
        long thinking = 0;
        var depth = reader.CurrentDepth;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            if (reader.ValueTextEquals("prompt_tokens"u8))
            {
                prompt = Number(ref reader) ?? 0;
            }
            else if (reader.ValueTextEquals("completion_tokens"u8))
            {
                output = Number(ref reader) ?? 0;
            }
            else if (reader.ValueTextEquals("cached_tokens"u8))
            {
                read = Number(ref reader) ?? 0;
            }
            else if (reader.ValueTextEquals("cache_write_tokens"u8))
            {
                write = Number(ref reader) ?? 0;
            }
            else if (reader.ValueTextEquals("reasoning_tokens"u8))
            {
                thinking = Number(ref reader) ?? 0;
            }
        }

        return new TokenUsage(Math.Max(0, prompt - read - write), write, 0, read, output, thinking);
    }

    /// <summary>The number that follows; null for anything else, and for what no count of tokens can be.</summary>
    private static long? Number(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value) && value >= 0)
        {
            return value;
        }

        reader.Skip();
        return null;
    }
}
