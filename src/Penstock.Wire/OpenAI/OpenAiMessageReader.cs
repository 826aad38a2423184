using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>
/// Reads the messages of a chat completion request. A tool's message becomes a user's with a tool result.
/// </summary>
internal static class OpenAiMessageReader
{
    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        "role", "content", "tool_calls", "tool_call_id", "reasoning_content", "reasoning", "refusal", "audio",
        "function_call", "annotations");

    public static TurnMessage Read(Field message)
    {
        var role = message["role"];
        var extra = message.Extra(Known);
        switch (role.RequiredText())
        {
            case "system" or "developer":
                return new TurnMessage(TurnRole.System, ReadContent(message["content"].Required())) { Extra = extra };
            case "user":
                return new TurnMessage(TurnRole.User, ReadContent(message["content"].Required())) { Extra = extra };
            case "assistant":
                return new TurnMessage(TurnRole.Assistant, ReadAssistant(message)) { Extra = extra };
            case "tool":
                var result = new ToolResultPart(
                    message["tool_call_id"].RequiredText(), ReadContent(message["content"]));
                return new TurnMessage(TurnRole.User, [result]) { Extra = extra };
            default:
                role.Fault("Input should be 'system', 'developer', 'user', 'assistant' or 'tool'");
                return new TurnMessage(TurnRole.User, []);
        }
    }

    /// <summary>
    /// A call's arguments, given as a string that must hold a JSON object; nothing means an empty one.
    /// </summary>
    public static RawJson? Arguments(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return RawJson.EmptyObject;
        }

        var utf8 = Encoding.UTF8.GetBytes(text);
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = BodyReading.DepthMax });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            while (reader.Read())
            {
            }

            return new RawJson(utf8);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ImmutableArray<TurnPart> ReadAssistant(Field message)
    {
        var parts = ImmutableArray.CreateBuilder<TurnPart>();
        var thinking = message["reasoning_content"].Text() ?? message["reasoning"].Text();
        if (!string.IsNullOrEmpty(thinking))
        {
            parts.Add(new ThinkingPart(thinking, Signature: null));
        }

        parts.AddRange(ReadContent(message["content"]));
        if (message["refusal"].Text() is { Length: > 0 } refusal)
        {
            parts.Add(new TextPart(refusal));
        }

        if (message["function_call"].Exists)
        {
            message["function_call"].Fault("use 'tool_calls'", FailureKind.NotSupported);
        }

        parts.AddRange(message["tool_calls"].Items(ReadCall));
        return parts.ToImmutable();
    }

    private static TurnPart ReadCall(Field call)
    {
        var function = call["function"].Required();
        var arguments = Arguments(function["arguments"].Text());
        if (arguments is null)
        {
            function["arguments"].Fault("Input should be a JSON object in a string");
        }

        return new ToolCallPart(
            call["id"].RequiredText(), function["name"].RequiredText(), arguments ?? RawJson.EmptyObject);
    }

    private static ImmutableArray<TurnPart> ReadContent(Field content)
    {
        if (content.IsText)
        {
            return [new TextPart(content.RequiredText())];
        }

        return content.Items(ReadPart);
    }

    private static TurnPart ReadPart(Field part)
    {
        var type = part["type"].RequiredText();
        switch (type)
        {
            case "text":
                return new TextPart(part["text"].RequiredText());
            case "refusal":
                return new TextPart(part["refusal"].RequiredText());
            case "image_url":
                var url = part["image_url"].Required()["url"];
                return new ImagePart(ReadSource(url)) { Path = part.Path };
            case "file":
                return ReadFile(part);
            default:
                return new UnknownPart(type, part.Raw, TextForm: null) { Path = part.Path };
        }
    }

    private static MediaSource ReadSource(Field url)
    {
        var text = url.RequiredText();
        if (DataUri.Read(text) is { } source)
        {
            return source;
        }

        if (!text.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
            && !text.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            url.Fault("Input should be an http(s) URL or a base64 data URI");
        }

        return new MediaSource(MediaSourceKind.Url, text, null);
    }

    private static DocumentPart ReadFile(Field part)
    {
        var file = part["file"].Required();
        var data = file["file_data"];
        var name = file["filename"].Text();
        if (!data.Exists)
        {
            var id = new MediaSource(MediaSourceKind.FileId, file["file_id"].RequiredText(), null);
            return new DocumentPart(id) { Title = name, Path = part.Path };
        }

        var source = DataUri.Read(data.RequiredText());
        if (source is null)
        {
            data.Fault("Input should be a base64 data URI");
            source = new MediaSource(MediaSourceKind.Text, "", null);
        }
        else if (source.MediaType == "text/plain")
        {
            source = Decode(source, data);
        }

        return new DocumentPart(source) { Title = name, Path = part.Path };
    }

    private static MediaSource Decode(MediaSource source, Field data)
    {
        var bytes = new byte[source.Value.Length];
        if (!Convert.TryFromBase64String(source.Value, bytes, out var length))
        {
            data.Fault("Input should be valid base64");
        }

        return new MediaSource(MediaSourceKind.Text, Encoding.UTF8.GetString(bytes, 0, length), "text/plain");
    }
}
