using System.Text.Json;
using Penstock.Core.Metering;
using Penstock.Core.Models;

namespace Penstock.Wire.Usage;

/// <summary>
/// Finds the <c>usage</c> object in one JSON document of an engine: a whole answer, or the data of one stream event.
/// Formats: the Anthropic Messages reference and OpenAI's chat completion object. Engines leave members out, and null
/// counts as left out.
/// </summary>
public static class UsageReader
{
    /// <summary>
    /// Adds what <paramref name="json"/> says to <paramref name="usage"/>: counts that are given replace what was
    /// known. False, and nothing is changed, where no count is in it, or where it is not JSON up to the end of the
    /// usage; what follows that is not looked at. <paramref name="countsCached"/> becomes true where it says how many
    /// tokens were cached, be it none.
    /// </summary>
    public static bool TryRead(
        Dialect dialect, ReadOnlySpan<byte> json, ref TokenUsage usage, ref bool countsCached)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
        try
        {
            if (!FindUsage(ref reader))
            {
                return false;
            }

            var counts = default(Counts);
            Read(ref reader, dialect, ref counts);
            if (counts.IsEmpty)
            {
                return false;
            }

            countsCached |= counts.Read is not null;
            usage = dialect == Dialect.Anthropic ? counts.AfterAnthropic(usage) : counts.AsOpenAi();
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
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

            if (!isMessage || reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
            }
        }

        return false;
    }

    /// <summary>Reads the members of the object at hand, and those of the objects in it that split a count up; others,
    /// such as the figures of single iterations, are not the request's.</summary>
    private static void Read(ref Utf8JsonReader reader, Dialect dialect, ref Counts counts)
    {
        var depth = reader.CurrentDepth;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (IsSplit(ref reader))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.StartObject)
                {
                    Read(ref reader, dialect, ref counts);
                }
            }
            else if (dialect == Dialect.Anthropic)
            {
                ReadAnthropic(ref reader, ref counts);
            }
            else
            {
                ReadOpenAi(ref reader, ref counts);
            }
        }
    }

    private static bool IsSplit(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("cache_creation"u8) || reader.ValueTextEquals("output_tokens_details"u8)
        || reader.ValueTextEquals("prompt_tokens_details"u8) || reader.ValueTextEquals("completion_tokens_details"u8);

    private static void ReadAnthropic(ref Utf8JsonReader reader, ref Counts counts)
    {
        if (reader.ValueTextEquals("input_tokens"u8))
        {
            Number(ref reader, ref counts.Prompt);
        }
        else if (reader.ValueTextEquals("output_tokens"u8))
        {
            Number(ref reader, ref counts.Output);
        }
        else if (reader.ValueTextEquals("cache_read_input_tokens"u8))
        {
            Number(ref reader, ref counts.Read);
        }
        else if (reader.ValueTextEquals("cache_creation_input_tokens"u8))
        {
            Number(ref reader, ref counts.Write);
        }
        else if (reader.ValueTextEquals("ephemeral_5m_input_tokens"u8))
        {
            Number(ref reader, ref counts.Write5m);
        }
        else if (reader.ValueTextEquals("ephemeral_1h_input_tokens"u8))
        {
            Number(ref reader, ref counts.Write1h);
        }
        else if (reader.ValueTextEquals("thinking_tokens"u8))
        {
            Number(ref reader, ref counts.Thinking);
        }
        else
        {
            reader.Skip();
        }
    }

    private static void ReadOpenAi(ref Utf8JsonReader reader, ref Counts counts)
    {
        if (reader.ValueTextEquals("prompt_tokens"u8))
        {
            Number(ref reader, ref counts.Prompt);
        }
        else if (reader.ValueTextEquals("completion_tokens"u8))
        {
            Number(ref reader, ref counts.Output);
        }
        else if (reader.ValueTextEquals("cached_tokens"u8))
        {
            Number(ref reader, ref counts.Read);
        }
        else if (reader.ValueTextEquals("cache_write_tokens"u8))
        {
            Number(ref reader, ref counts.Write);
        }
        else if (reader.ValueTextEquals("reasoning_tokens"u8))
        {
            Number(ref reader, ref counts.Thinking);
        }
        else
        {
            reader.Skip();
        }
    }

    /// <summary>Takes the number that follows; anything else, and what no count of tokens can be, is passed over.
    /// </summary>
    private static void Number(ref Utf8JsonReader reader, ref long? count)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value)
            && value is >= 0 and <= Counts.Max)
        {
            count = value;
        }
        else
        {
            reader.Skip();
        }
    }
}
