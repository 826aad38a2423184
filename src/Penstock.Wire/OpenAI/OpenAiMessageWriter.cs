using System.Text;
using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>
/// Writes the messages of a chat completion request. Tool results come first, a message each, right after the call
/// they answer; then whatever else the user said, and the pictures of the results, which a tool's message cannot hold.
/// </summary>
internal sealed class OpenAiMessageWriter(Utf8JsonWriter json, TurnRequest request, TranslationSettings settings)
{
    private readonly bool _own = request.Source == Dialect.OpenAiChat;

    /// <summary>The first part met that this dialect cannot say.</summary>
    public Failure? Failure { get; private set; }

    public void Write()
    {
        var keep = settings.KeepSystemPositions || _own;
        if (!keep)
        {
            WriteSystem([.. request.Messages.Where(static message => message.Role == TurnRole.System)]);
        }

        foreach (var message in request.Messages)
        {
            switch (message.Role)
            {
                case TurnRole.System when keep:
                    WriteSystem([message]);
                    break;
                case TurnRole.User:
                    WriteUser(message);
                    break;
                case TurnRole.Assistant:
                    WriteAssistant(message);
                    break;
            }
        }
    }

    private void WriteSystem(TurnMessage[] messages)
    {
        var texts = messages.SelectMany(static message => message.Parts).OfType<TextPart>().Select(part => part.Text);
        var text = string.Join('\n', texts);
        if (text.Length == 0)
        {
            return;
        }

        Open("system"u8, messages[0]);
        json.WriteString("content"u8, text);
        json.WriteEndObject();
    }

    private void WriteUser(TurnMessage message)
    {
        var rest = new List<TurnPart>();
        foreach (var part in message.Parts)
        {
            if (part is ToolResultPart result)
            {
                WriteResult(message, result);
                rest.AddRange(result.Content.Where(static inner => inner is ImagePart));
            }
        }

        rest.AddRange(message.Parts.Where(static part => part is not ToolResultPart));
        if (rest.Count == 0)
        {
            return;
        }

        Open("user"u8, message);
        if (rest is [TextPart only])
        {
            json.WriteString("content"u8, only.Text);
        }
        else
        {
            json.WriteStartArray("content"u8);
            foreach (var part in rest)
            {
                WritePart(part);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private void WriteResult(TurnMessage message, ToolResultPart result)
    {
        var text = new StringBuilder(result.IsError ? "Error: " : "");
        var first = true;
        foreach (var part in result.Content)
        {
            var said = part switch
            {
                TextPart inner => inner.Text,
                ImagePart => "[image below]",
                DocumentPart { Source.Kind: MediaSourceKind.Text } document => document.Source.Value,
                UnknownPart unknown => unknown.TextForm ?? Encoding.UTF8.GetString(unknown.Json.Utf8.Span),
                _ => null,
            };
            if (said is null)
            {
                Refuse(part, "this part of a tool result");
                continue;
            }

            text.Append(first ? "" : "\n").Append(said);
            first = false;
        }

        Open("tool"u8, message);
        json.WriteString("tool_call_id"u8, result.ToolCallId);
        json.WriteString("content"u8, text.ToString());
        json.WriteEndObject();
    }

    private void WriteAssistant(TurnMessage message)
    {
        var text = string.Concat(message.Parts.Select(static part => part switch
        {
            TextPart inner => inner.Text,
            UnknownPart unknown => unknown.TextForm,
            _ => null,
        }));
        var thinking = settings.ReasoningContent
            ? string.Concat(message.Parts.OfType<ThinkingPart>().Select(static part => part.Text))
            : "";
        var calls = message.Parts.OfType<ToolCallPart>().ToArray();
        if (text.Length == 0 && thinking.Length == 0 && calls.Length == 0)
        {
            return;
        }

        Open("assistant"u8, message);
        if (thinking.Length > 0)
        {
            json.WriteString("reasoning_content"u8, thinking);
        }

        json.WriteString("content"u8, text.Length == 0 && calls.Length > 0 ? null : text);
        if (calls.Length > 0)
        {
            json.WriteStartArray("tool_calls"u8);
            foreach (var call in calls)
            {
                WriteCall(json, call);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    /// <summary>Writes one entry of <c>tool_calls</c>, in a request or an answer.</summary>
    internal static void WriteCall(Utf8JsonWriter json, ToolCallPart call)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, call.Id);
        json.WriteString("type"u8, "function"u8);
        json.WriteStartObject("function"u8);
        json.WriteString("name"u8, call.Name);
        json.WriteString("arguments"u8, call.Arguments.Utf8.Span);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WritePart(TurnPart part)
    {
        switch (part)
        {
            case TextPart text:
                WriteText(text.Text);
                break;
            case ImagePart { Source.Kind: MediaSourceKind.Base64 } image:
                WriteImage(DataUri.Write(image.Source));
                break;
            case ImagePart { Source.Kind: MediaSourceKind.Url } image:
                WriteImage(image.Source.Value);
                break;
            case DocumentPart document:
                WriteDocument(document);
                break;
            case UnknownPart unknown when _own:
                json.WriteRawValue(unknown.Json.Utf8.Span, skipInputValidation: true);
                break;
            case UnknownPart { TextForm: { } form }:
                WriteText(form);
                break;
            case UnknownPart unknown:
                Refuse(part, $"a part of type '{unknown.Type}'");
                break;
            case ImagePart:
                Refuse(part, "an image by file id");
                break;
        }
    }

    private void WriteDocument(DocumentPart document)
    {
        switch (document.Source.Kind)
        {
            case MediaSourceKind.Text:
                WriteText(document.Title is null
                    ? document.Source.Value
                    : $"{document.Title}\n{document.Source.Value}");
                break;
            case MediaSourceKind.Parts:
                foreach (var part in document.Content)
                {
                    WritePart(part);
                }

                break;
            case MediaSourceKind.Base64:
            case MediaSourceKind.FileId when _own:
                WriteFile(document);
                break;
            default:
                Refuse(document, "a document by URL or file id");
                break;
        }
    }

    private void WriteFile(DocumentPart document)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "file"u8);
        json.WriteStartObject("file"u8);
        if (document.Source.Kind == MediaSourceKind.FileId)
        {
            json.WriteString("file_id"u8, document.Source.Value);
        }
        else
        {
            json.WriteString("filename"u8, document.Title ?? "document.pdf");
            json.WriteString("file_data"u8, DataUri.Write(document.Source));
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteText(string text)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "text"u8);
        json.WriteString("text"u8, text);
        json.WriteEndObject();
    }

    private void WriteImage(string url)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "image_url"u8);
        json.WriteStartObject("image_url"u8);
        json.WriteString("url"u8, url);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Open(ReadOnlySpan<byte> role, TurnMessage message)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, role);
        if (_own)
        {
            json.WriteExtra(message.Extra);
        }
    }

    private void Refuse(TurnPart part, string what) => Failure ??= new Failure(
        FailureKind.NotSupported, $"{part.Path}: {what} has no counterpart in chat completions", part.Path);
}
