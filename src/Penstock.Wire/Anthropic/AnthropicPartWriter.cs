using System.Text.Json;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>Writes content blocks of a Messages request. <paramref name="own"/>: they came from this dialect.</summary>
internal sealed class AnthropicPartWriter(Utf8JsonWriter json, bool own)
{
    /// <summary>The first part met that this dialect cannot say.</summary>
    public Failure? Failure { get; private set; }

    /// <summary>
    /// Whether anything is written for the part: empty text is refused by the API, so it is left out.
    /// </summary>
    public bool Writes(TurnPart part, TurnRole role) => part switch
    {
        TextPart text => own || text.Text.Length > 0,
        ThinkingPart thinking => own || thinking.Signature is not null,
        UnknownPart unknown => own || unknown.TextForm is not null || role != TurnRole.Assistant,
        _ => true,
    };

    public void Write(TurnPart part, TurnRole role)
    {
        if (!Writes(part, role))
        {
            return;
        }

        switch (part)
        {
            case UnknownPart unknown:
                WriteUnknown(unknown);
                return;
            case DocumentPart { Source.Kind: MediaSourceKind.Text } document when !own && document.Title is null:
                WriteText(document.Source.Value);
                return;
        }

        json.WriteStartObject();
        switch (part)
        {
            case TextPart text:
                json.WriteString("type"u8, "text"u8);
                json.WriteString("text"u8, text.Text);
                break;
            case ImagePart image:
                json.WriteString("type"u8, "image"u8);
                WriteSource(image.Source, image.Path);
                break;
            case DocumentPart document:
                WriteDocument(document);
                break;
            case ToolCallPart call:
                json.WriteString("type"u8, "tool_use"u8);
                json.WriteString("id"u8, call.Id);
                json.WriteString("name"u8, call.Name);
                json.WriteRaw("input"u8, call.Arguments);
                break;
            case ToolResultPart result:
                WriteResult(result);
                break;
            case ThinkingPart thinking:
                json.WriteString("type"u8, "thinking"u8);
                json.WriteString("thinking"u8, thinking.Text);
                json.WriteString("signature"u8, thinking.Signature ?? "");
                break;
            case RedactedThinkingPart redacted:
                json.WriteString("type"u8, "redacted_thinking"u8);
                json.WriteString("data"u8, redacted.Data);
                break;
        }

        if (own)
        {
            json.WriteExtra(part.Extra);
        }

        json.WriteEndObject();
    }

    private void WriteUnknown(UnknownPart unknown)
    {
        if (own)
        {
            json.WriteRawValue(unknown.Json.Utf8.Span, skipInputValidation: true);
        }
        else if (unknown.TextForm is { } text)
        {
            WriteText(text);
        }
        else
        {
            Failure ??= new Failure(
                FailureKind.NotSupported,
                $"{unknown.Path}: a part of type '{unknown.Type}' has no counterpart in the Messages API that serves "
                + "this model",
                unknown.Path);
        }
    }

    private void WriteText(string text)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "text"u8);
        json.WriteString("text"u8, text);
        json.WriteEndObject();
    }

    private void WriteDocument(DocumentPart document)
    {
        json.WriteString("type"u8, "document"u8);
        WriteSource(document.Source, document.Path, document);
        if (document.Title is not null)
        {
            json.WriteString("title"u8, document.Title);
        }

        if (document.Context is not null)
        {
            json.WriteString("context"u8, document.Context);
        }
    }

    private void WriteResult(ToolResultPart result)
    {
        json.WriteString("type"u8, "tool_result"u8);
        json.WriteString("tool_use_id"u8, result.ToolCallId);
        if (result.IsError)
        {
            json.WriteBoolean("is_error"u8, true);
        }

        if (result.Content is [TextPart { Extra.IsEmpty: true } only])
        {
            json.WriteString("content"u8, only.Text);
            return;
        }

        json.WriteStartArray("content"u8);
        foreach (var part in result.Content)
        {
            Write(part, TurnRole.User);
        }

        json.WriteEndArray();
    }

    private void WriteSource(MediaSource source, string? path, DocumentPart? document = null)
    {
        json.WriteStartObject("source"u8);
        switch (source.Kind)
        {
            case MediaSourceKind.Base64:
                json.WriteString("type"u8, "base64"u8);
                json.WriteString("media_type"u8, source.MediaType ?? "application/octet-stream");
                json.WriteString("data"u8, source.Value);
                break;
            case MediaSourceKind.Url:
                json.WriteString("type"u8, "url"u8);
                json.WriteString("url"u8, source.Value);
                break;
            case MediaSourceKind.Text:
                json.WriteString("type"u8, "text"u8);
                json.WriteString("media_type"u8, source.MediaType ?? "text/plain");
                json.WriteString("data"u8, source.Value);
                break;
            case MediaSourceKind.Parts:
                json.WriteString("type"u8, "content"u8);
                json.WriteStartArray("content"u8);
                foreach (var part in document?.Content ?? [])
                {
                    Write(part, TurnRole.User);
                }

                json.WriteEndArray();
                break;
            default:
                WriteFileId(source, path);
                break;
        }

        json.WriteEndObject();
    }

    private void WriteFileId(MediaSource source, string? path)
    {
        json.WriteString("type"u8, "file"u8);
        json.WriteString("file_id"u8, source.Value);
        if (!own)
        {
            Failure ??= new Failure(
                FailureKind.NotSupported, $"{path}: a file id of one API means nothing to the other", path);
        }
    }
}
