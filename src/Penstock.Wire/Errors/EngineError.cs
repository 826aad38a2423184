using System.Globalization;
using System.Text;
using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;

namespace Penstock.Wire.Errors;

/// <summary>
/// Reads the error answer of an engine. Known shapes: the Anthropic envelope; <c>{"error":{…}}</c> of OpenAI, vLLM
/// and llama.cpp; the flat <c>{"object":"error","message":…}</c> of older vLLM and SGLang; FastAPI's
/// <c>{"detail":…}</c>; anything else is taken as text. Pure; safe from any thread.
/// </summary>
public static class EngineError
{
    /// <summary>Characters of an engine's message that are passed on at most.</summary>
    public const int MessageCharsMax = 1000;

    /// <summary>The code of a prompt that does not fit the model's context window.</summary>
    public const string ContextLengthExceeded = "context_length_exceeded";

    /// <summary>The failure that a non-2xx answer of an engine stands for.</summary>
    /// <param name="status">The engine's HTTP status.</param>
    /// <param name="body">The engine's body; may be cut or not JSON.</param>
    /// <param name="client">The caller's dialect: a context overflow is worded the way its clients look for.</param>
    public static Failure Read(int status, ReadOnlySpan<byte> body, Dialect client)
    {
        var said = Parse(body);
        var message = said.Message.Length > 0
            ? said.Message
            : string.Create(CultureInfo.InvariantCulture, $"the engine answered with status {status}");
        return Classify(status, said with { Message = message }, client);
    }

    /// <summary>The failure that an error object inside a stream stands for.</summary>
    internal static Failure ReadStreamed(ReadOnlySpan<byte> body, Dialect client)
    {
        var said = Parse(body);
        var message = said.Message.Length > 0 ? said.Message : "the engine broke off with an error";
        said = said with { Message = message };
        return said.Status is >= 400 and <= 599
            ? Classify(said.Status, said, client)
            : Classify(ErrorTable.KindOfType(Encoding.UTF8.GetBytes(said.Type)), said, client);
    }

    private static Failure Classify(int status, Said said, Dialect client)
    {
        // The engine's refusal of a key is of the gateway's own key: never told to the caller as if it were theirs.
        if (status is 401 or 402 or 403)
        {
            return new Failure(FailureKind.EngineFailed, "the engine refused the gateway's credentials");
        }

        var kind = status switch
        {
            404 => FailureKind.ModelNotFound,
            408 or 504 => FailureKind.EngineTimeout,
            413 => FailureKind.TooLarge,
            429 => FailureKind.RateLimited,
            503 or 529 => FailureKind.Overloaded,
            >= 400 and < 500 => FailureKind.InvalidRequest,
            _ => FailureKind.EngineFailed,
        };
        return Classify(kind, said, client);
    }

    private static Failure Classify(FailureKind kind, Said said, Dialect client)
    {
        if (kind is FailureKind.InvalidRequest or FailureKind.TooLarge
            && ContextOverflow.Find(said.Message, said.Type) is { } overflow)
        {
            var worded = client == Dialect.Anthropic ? overflow.AnthropicMessage : said.Message;
            return new Failure(FailureKind.InvalidRequest, worded, Code: ContextLengthExceeded);
        }

        return new Failure(kind, said.Message, said.Param, Code: kind == FailureKind.InvalidRequest ? said.Code : null);
    }

    private static Said Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            if (JsonDocument.TryParseValue(ref reader, out var document))
            {
                using (document)
                {
                    return FromJson(document.RootElement);
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or not text: said below as it stands.
        }

        var head = body.Length > MessageCharsMax ? body[..MessageCharsMax] : body;
        return new Said(Cut(Encoding.UTF8.GetString(head).Trim()));
    }

    private static Said FromJson(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return new Said(root.ValueKind == JsonValueKind.String ? Cut(root.GetString()!) : "");
        }

        var error = root;
        if (root.TryGetProperty("error"u8, out var inner))
        {
            if (inner.ValueKind == JsonValueKind.String)
            {
                return new Said(Cut(inner.GetString()!));
            }

            error = inner.ValueKind == JsonValueKind.Object ? inner : root;
        }
        else if (root.TryGetProperty("detail"u8, out var detail))
        {
            return new Said(Cut(detail.ValueKind == JsonValueKind.String ? detail.GetString()! : detail.GetRawText()));
        }

        return new Said(Cut(Text(error, "message"u8) ?? ""))
        {
            Type = Text(error, "type"u8) ?? "",
            Param = Text(error, "param"u8),
            Code = Text(error, "code"u8),
            Status = (int)Math.Clamp(Number(error, "code"u8) ?? 0, 0, 999),
        };
    }

    private static string? Text(JsonElement e, ReadOnlySpan<byte> name) =>
        e.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Number(JsonElement e, ReadOnlySpan<byte> name) =>
        e.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt64(out var number) ? number : null;

    private static string Cut(string text) => text.Length <= MessageCharsMax ? text : text[..MessageCharsMax] + "…";

    private sealed record Said(string Message)
    {
        public string Type { get; init; } = "";

        public string? Param { get; init; }

        public string? Code { get; init; }

        public int Status { get; init; }
    }
}
