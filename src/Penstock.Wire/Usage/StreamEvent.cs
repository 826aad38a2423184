using System.Text.Json;

namespace Penstock.Wire.Usage;

/// <summary>What kind of thing one event of a stream is, read from the top level of its data.</summary>
internal enum StreamEventKind : byte
{
    Other,

    /// <summary>A piece of the answer.</summary>
    Delta,

    /// <summary>The last word on the answer: why it stopped, and its usage.</summary>
    Final,

    /// <summary>The stream has come to its end.</summary>
    Stop,
    Error,
}

internal static class StreamEvent
{
    /// <summary>The kind of an Anthropic event: its <c>type</c>, wherever it stands among the members.</summary>
    public static StreamEventKind OfAnthropic(ReadOnlySpan<byte> data)
    {
        // Nearly all events are deltas, and nearly all engines put the type first.
        var head = data[..Math.Min(data.Length, 32)];
        if (head.StartsWith("{\"type\":\"content_block_delta\""u8)
            || head.StartsWith("{\"type\": \"content_block_delta\""u8))
        {
            return StreamEventKind.Delta;
        }

        return TopLevel(data);
    }

    /// <summary>The kind of a chunk of a chat completion.</summary>
    public static StreamEventKind OfOpenAi(ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8))
        {
            return StreamEventKind.Stop;
        }

        if (data.IndexOf("\"error\""u8) >= 0 && TopLevel(data) == StreamEventKind.Error)
        {
            return StreamEventKind.Error;
        }

        return IsNext(data, "\"choices\""u8, "[]"u8) ? StreamEventKind.Final : StreamEventKind.Delta;
    }

    /// <summary>The chunk brings a usage object, not only the null that fills its place until the end.</summary>
    public static bool HasUsage(ReadOnlySpan<byte> data) => IsNext(data, "\"usage\""u8, "{"u8);

    /// <summary>Somewhere a member of that name (with quotes) has a value that begins so.</summary>
    private static bool IsNext(ReadOnlySpan<byte> data, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        while (true)
        {
            var at = data.IndexOf(name);
            if (at < 0)
            {
                return false;
            }

            data = data[(at + name.Length)..];
            var rest = data.TrimStart(" \t"u8);
            if (rest is [(byte)':', ..] && rest[1..].TrimStart(" \t"u8).StartsWith(value))
            {
                return true;
            }
        }
    }

    /// <summary>Looks at the members of the top level. An <c>error</c> that is not null is one in every dialect, and
    /// older engines name their error in <c>object</c>.</summary>
    private static StreamEventKind TopLevel(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data, new JsonReaderOptions { MaxDepth = 256 });
        var kind = StreamEventKind.Other;
        try
        {
            while (kind == StreamEventKind.Other && reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName)
                {
                    continue;
                }

                var isError = reader.ValueTextEquals("error"u8);
                var namesKind = reader.ValueTextEquals("type"u8) || reader.ValueTextEquals("object"u8);
                reader.Read();
                kind = isError && reader.TokenType != JsonTokenType.Null ? StreamEventKind.Error
                    : namesKind && reader.TokenType == JsonTokenType.String ? Named(ref reader)
                    : kind;
                reader.Skip();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // What an engine sends broken is relayed as it is, and tells nothing.
        }

        return kind;
    }

    private static StreamEventKind Named(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("content_block_delta"u8) ? StreamEventKind.Delta
        : reader.ValueTextEquals("message_delta"u8) ? StreamEventKind.Final
        : reader.ValueTextEquals("message_stop"u8) ? StreamEventKind.Stop
        : reader.ValueTextEquals("error"u8) ? StreamEventKind.Error
        : StreamEventKind.Other;
}
