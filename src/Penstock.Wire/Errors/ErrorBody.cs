using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;

namespace Penstock.Wire.Errors;

/// <summary>
/// Failures as the bytes that a client of each dialect expects: a response body before the first byte, an event
/// inside a stream after it. Stateless; safe from any thread.
/// </summary>
public static class ErrorBody
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a whole JSON body.</summary>
    /// <param name="dialect">The caller's dialect.</param>
    /// <param name="failure">What went wrong.</param>
    /// <param name="requestId">The id that the answer carries; OpenAI has it in a header only.</param>
    /// <param name="output">Where to.</param>
    public static void Write(Dialect dialect, Failure failure, string requestId, IBufferWriter<byte> output)
    {
        using var json = new Utf8JsonWriter(output, Options);
        if (dialect == Dialect.Anthropic)
        {
            WriteAnthropic(json, failure, requestId);
        }
        else
        {
            WriteOpenAi(json, failure);
        }
    }

    /// <summary>
    /// Writes the event that ends a stream which cannot go on. Neither <c>message_stop</c> nor <c>[DONE]</c> is to
    /// follow it.
    /// </summary>
    public static void WriteStreamEvent(Dialect dialect, Failure failure, IBufferWriter<byte> output)
    {
        output.Write(dialect == Dialect.Anthropic ? "event: error\ndata: "u8 : "data: "u8);
        using (var json = new Utf8JsonWriter(output, Options))
        {
            if (dialect == Dialect.Anthropic)
            {
                WriteAnthropic(json, failure, requestId: null);
            }
            else
            {
                WriteOpenAi(json, failure);
            }
        }

        output.Write("\n\n"u8);
    }

    private static void WriteAnthropic(Utf8JsonWriter json, Failure failure, string? requestId)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "error"u8);
        json.WriteStartObject("error"u8);
        json.WriteString("type"u8, ErrorTable.Of(failure.Kind).Anthropic.Type);
        json.WriteString("message"u8, failure.Message);
        json.WriteEndObject();
        if (requestId is not null)
        {
            json.WriteString("request_id"u8, requestId);
        }

        json.WriteEndObject();
    }

    private static void WriteOpenAi(Utf8JsonWriter json, Failure failure)
    {
        var told = ErrorTable.Of(failure.Kind).OpenAi;
        json.WriteStartObject();
        json.WriteStartObject("error"u8);
        json.WriteString("message"u8, failure.Message);
        json.WriteString("type"u8, told.Type);
        json.WriteString("param"u8, failure.Param);
        json.WriteString("code"u8, failure.Code ?? told.Code);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
