using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Penstock.Cli.Engine.Answers;

/// <summary>Where an answer is written to: JSON documents, alone or inside server-sent events.</summary>
internal sealed class AnswerOutput(IBufferWriter<byte> output) : IDisposable
{
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    private readonly Utf8JsonWriter _json = new(output, Options);

    public Utf8JsonWriter Json => _json;

    /// <summary>Begins an event; <paramref name="name"/> may be empty.</summary>
    public Utf8JsonWriter BeginEvent(ReadOnlySpan<byte> name)
    {
        if (!name.IsEmpty)
        {
            output.Write("event: "u8);
            output.Write(name);
            output.Write("\n"u8);
        }

        output.Write("data: "u8);
        _json.Reset(output);
        return _json;
    }

    public void EndEvent()
    {
        _json.Flush();
        output.Write("\n\n"u8);
    }

    /// <summary>The mark that ends an OpenAI stream.</summary>
    public void Done() => output.Write("data: [DONE]\n\n"u8);

    public void Dispose() => _json.Dispose();
}
