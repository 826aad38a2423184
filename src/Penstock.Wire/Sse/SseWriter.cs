using System.Buffers;
using Penstock.Core.Models;

namespace Penstock.Wire.Sse;

/// <summary>Writes server-sent events. Stateless; safe from any thread.</summary>
public static class SseWriter
{
    /// <summary>The event that ends a stream of chat completions.</summary>
    public static ReadOnlySpan<byte> Done => "data: [DONE]\n\n"u8;

    /// <summary>
    /// What keeps a silent connection alive and means nothing else: an Anthropic <c>ping</c> event; for chat
    /// completions, which have no such event, a comment.
    /// </summary>
    public static ReadOnlySpan<byte> Ping(Dialect dialect) => dialect == Dialect.Anthropic
        ? "event: ping\ndata: {\"type\":\"ping\"}\n\n"u8
        : ": ping\n\n"u8;

    /// <summary>Writes a named event; line feeds in the data make it several <c>data:</c> lines.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="name">The event's name, without line ends; empty for none.</param>
    /// <param name="data">The data; a carriage return in it would be read as a line end.</param>
    public static void WriteEvent(IBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        if (!name.IsEmpty)
        {
            output.Write("event: "u8);
            output.Write(name);
            output.Write("\n"u8);
        }

        WriteLines(output, "data: "u8, data);
        output.Write("\n"u8);
    }

    /// <summary>Writes an event without a name.</summary>
    public static void WriteData(IBufferWriter<byte> output, ReadOnlySpan<byte> data) =>
        WriteEvent(output, default, data);

    /// <summary>Writes a comment, which clients skip.</summary>
    public static void WriteComment(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        WriteLines(output, ": "u8, text);
        output.Write("\n"u8);
    }

    private static void WriteLines(IBufferWriter<byte> output, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> text)
    {
        while (true)
        {
            var length = text.IndexOf((byte)'\n');
            output.Write(prefix);
            output.Write(length < 0 ? text : text[..length]);
            output.Write("\n"u8);
            if (length < 0)
            {
                return;
            }

            text = text[(length + 1)..];
        }
    }
}
