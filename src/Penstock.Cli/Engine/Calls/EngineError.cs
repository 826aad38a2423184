using System.Text.Json;

namespace Penstock.Cli.Engine.Calls;

/// <summary>A refusal as vLLM words it: an HTTP status, the name of its kind of error, and a message.</summary>
internal sealed record EngineError(int Status, string Type, string Message, string? Param = null)
{
    /// <summary>The body is not what the endpoint takes.</summary>
    public static EngineError Malformed(string message, string? param = null) =>
        new(400, "Bad Request", message, param);

    /// <summary>The body is well-formed and asks for what cannot be.</summary>
    public static EngineError Impossible(string message, string? param = null) =>
        new(400, "BadRequestError", message, param);

    public static EngineError UnknownModel(string model) =>
        new(404, "NotFoundError", $"The model `{model}` does not exist.", "model");

    public static EngineError TooLong(int window, int tokens) => Impossible(
        $"This model's maximum context length is {window} tokens. However, your request has {tokens} input tokens. "
        + "Please reduce the length of the input messages.",
        "input_tokens");

    /// <summary>The body in the shape that vLLM uses on that path.</summary>
    public void Write(Utf8JsonWriter json, bool anthropic)
    {
        json.WriteStartObject();
        if (anthropic)
        {
            json.WriteString("type"u8, "error"u8);
        }

        json.WriteStartObject("error"u8);
        if (anthropic)
        {
            json.WriteString("type"u8, Type);
            json.WriteString("message"u8, Message);
        }
        else
        {
            json.WriteString("message"u8, Message);
            json.WriteString("type"u8, Type);
            json.WriteString("param"u8, Param);
            json.WriteNumber("code"u8, Status);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
