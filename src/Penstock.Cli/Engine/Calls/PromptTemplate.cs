using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Penstock.Core.Primitives;

namespace Penstock.Cli.Engine.Calls;

/// <summary>
/// The chat template of simulated models: tools, then system, then the turns, each under a marker of its role. What
/// does not change what a model would read (cache marks, ids, signatures) is left out, so that it does not split
/// prefixes either.
/// </summary>
internal sealed class PromptTemplate
{
    private readonly ArrayBufferWriter<byte> _text = new(4096);

    public ReadOnlySpan<byte> Text => _text.WrittenSpan;

    /// <summary>One tool of either dialect.</summary>
    public void Tool(string? name, JsonElement description, JsonElement schema)
    {
        Write("<|tool|>\n");
        Write(name ?? "");
        Write("\n");
        Content(description);
        Write("\n");
        Raw(schema);
        Write("\n");
    }

    /// <summary>Opens a turn; the content follows.</summary>
    public void Role(string role)
    {
        Write("<|");
        Write(role);
        Write("|>\n");
    }

    public void EndTurn() => Write("\n");

    /// <summary>Whatever a message holds: a text, or parts.</summary>
    public void Content(JsonElement content)
    {
        switch (content.ValueKind)
        {
            case JsonValueKind.String:
                Write(content.GetString()!);
                break;
            case JsonValueKind.Array:
                foreach (var part in content.EnumerateArray())
                {
                    Part(part);
                }

                break;
            case JsonValueKind.Object:
                Part(content);
                break;
        }
    }

    /// <summary>How a call of that tool begins.</summary>
    public static byte[] Opening(string name) => Encoding.UTF8.GetBytes($"<call {name}>");

    /// <summary>
    /// A tool call that the model made in an earlier turn: as the model wrote it, whichever way the client put its
    /// JSON, so that what was generated is found in the cache.
    /// </summary>
    public void Call(string? name, JsonElement arguments)
    {
        _text.Write(Opening(name ?? ""));
        if (arguments.ValueKind != JsonValueKind.String)
        {
            Compact(arguments);
            return;
        }

        var text = arguments.GetString()!;
        try
        {
            using var document = JsonDocument.Parse(text);
            Compact(document.RootElement);
        }
        catch (JsonException)
        {
            Write(text);
        }
    }

    private void Part(JsonElement part)
    {
        if (part.ValueKind != JsonValueKind.Object)
        {
            Content(part);
            return;
        }

        var type = Field(part, "type") is { ValueKind: JsonValueKind.String } t ? t.GetString() : null;
        switch (type)
        {
            case "text" or "input_text" or "output_text":
                Content(Field(part, "text"));
                break;
            case "thinking":
                Content(Field(part, "thinking"));
                break;
            case "tool_result":
                Content(Field(part, "content"));
                break;
            case "tool_use":
                var name = Field(part, "name");
                Call(name.ValueKind == JsonValueKind.String ? name.GetString() : null, Field(part, "input"));
                break;
            default:
                Opaque(type ?? "part", part);
                break;
        }
    }

    /// <summary>A part that is not text counts as its kind and a fingerprint of its content.</summary>
    private void Opaque(string type, JsonElement part)
    {
        var print = Hash64.Of(JsonMarshal.GetRawUtf8Value(part));
        Write(string.Create(CultureInfo.InvariantCulture, $"<{type} {print:x16}>"));
    }

    private static JsonElement Field(JsonElement part, string name) =>
        part.TryGetProperty(name, out var value) ? value : default;

    private void Raw(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Undefined)
        {
            _text.Write(JsonMarshal.GetRawUtf8Value(value));
        }
    }

    private void Compact(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Undefined)
        {
            using var json = new Utf8JsonWriter(_text);
            value.WriteTo(json);
        }
    }

    private void Write(string text) => Encoding.UTF8.GetBytes(text, _text);
}
