using System.Collections.Frozen;
using System.Collections.Immutable;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>Reads content blocks of the Messages API, of requests and of answers.</summary>
internal static class AnthropicPartReader
{
    private static readonly FrozenSet<string> Modelled = FrozenSet.Create(
        "type", "text", "source", "title", "context", "content", "id", "name", "input", "tool_use_id", "is_error",
        "thinking", "signature", "data");

    /// <summary>Content given as a string or as blocks.</summary>
    public static ImmutableArray<TurnPart> ReadContent(Field content)
    {
        if (content.IsText)
        {
            return [new TextPart(content.RequiredText())];
        }

        return content.Items(Read);
    }

    public static TurnPart Read(Field block)
    {
        var type = block["type"].RequiredText();
        return type switch
        {
            "text" => new TextPart(block["text"].RequiredText()) { Extra = block.Extra(Modelled) },
            "image" => ReadImage(block),
            "document" => ReadDocument(block),
            "tool_use" => new ToolCallPart(
                block["id"].RequiredText(),
                block["name"].RequiredText(),
                block["input"].Required().Object() ?? RawJson.EmptyObject) { Extra = block.Extra(Modelled) },
            "tool_result" => new ToolResultPart(
                block["tool_use_id"].RequiredText(),
                ReadContent(block["content"]))
            {
                IsError = block["is_error"].Flag() ?? false,
                Extra = block.Extra(Modelled),
            },
            "thinking" => new ThinkingPart(block["thinking"].RequiredText(), block["signature"].Text())
            {
                Extra = block.Extra(Modelled),
            },
            "redacted_thinking" => new RedactedThinkingPart(block["data"].RequiredText())
            {
                Extra = block.Extra(Modelled),
            },
            "search_result" => Unknown(type, block, SearchText(block)),
            _ => Unknown(type, block, null),
        };
    }

    private static UnknownPart Unknown(string type, Field block, string? text) =>
        new(type, block.Raw, text) { Path = block.Path };

    private static string SearchText(Field block)
    {
        var content = block["content"].Items(static item => item["text"].Text() ?? "");
        return $"{block["title"].Text()}\n{block["source"].Text()}\n{string.Join('\n', content)}";
    }

    private static ImagePart ReadImage(Field block) =>
        new(ReadSource(block["source"].Required())) { Path = block.Path, Extra = block.Extra(Modelled) };

    private static DocumentPart ReadDocument(Field block)
    {
        var source = block["source"].Required();
        return new DocumentPart(ReadSource(source))
        {
            Title = block["title"].Text(),
            Context = block["context"].Text(),
            Content = source["type"].Text() == "content" ? ReadContent(source["content"]) : [],
            Path = block.Path,
            Extra = block.Extra(Modelled),
        };
    }

    private static MediaSource ReadSource(Field source)
    {
        switch (source["type"].RequiredText())
        {
            case "base64":
                return new MediaSource(
                    MediaSourceKind.Base64, source["data"].RequiredText(), source["media_type"].RequiredText());
            case "url":
                return new MediaSource(MediaSourceKind.Url, source["url"].RequiredText(), null);
            case "file":
                return new MediaSource(MediaSourceKind.FileId, source["file_id"].RequiredText(), null);
            case "text":
                return new MediaSource(
                    MediaSourceKind.Text, source["data"].RequiredText(), source["media_type"].Text());
            case "content":
                return new MediaSource(MediaSourceKind.Parts, "", null);
            default:
                source["type"].Fault("Input should be 'base64', 'url', 'file', 'text' or 'content'");
                return new MediaSource(MediaSourceKind.Text, "", null);
        }
    }
}
