using System.Buffers;
using System.Text.Json;
using Penstock.Simulator.Texts;

namespace Penstock.Cli.Engine.Calls;

/// <summary>One tool that the caller offers.</summary>
internal sealed record OfferedTool(string Name, JsonElement Schema)
{
    /// <summary>A call of it with the plainest arguments that its schema accepts.</summary>
    public ToolCall Call()
    {
        var arguments = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(arguments))
        {
            SchemaExample.Write(Schema, json);
        }

        return new ToolCall(Name, arguments.WrittenSpan.ToArray());
    }
}

/// <summary>What the caller said about calling tools, the same in both dialects.</summary>
internal enum ToolMode
{
    Auto,
    None,
    Any,
    Named,
}

/// <summary>
/// Decides whether the answer is a tool call. After a tool's result it is text; a forced choice is obeyed; left to
/// itself the simulated model calls a tool only where the last user turn says <c>use the tool NAME</c>.
/// </summary>
internal static class ToolChoice
{
    private const string Wish = "use the tool ";

    public static ToolCall? Decide(
        IReadOnlyList<OfferedTool> tools, ToolMode mode, string? named, LastTurn last, JsonBody body)
    {
        if (mode is ToolMode.Any or ToolMode.Named && tools.Count == 0)
        {
            body.Fail("When using `tool_choice`, `tools` must be set.", "tool_choice");
            return null;
        }

        OfferedTool? chosen = null;
        if (mode == ToolMode.Named)
        {
            chosen = Find(tools, named);
            if (chosen is null)
            {
                body.Fail("The tool in `tool_choice` does not match any of the specified `tools`", "tool_choice");
                return null;
            }
        }
        else if (mode == ToolMode.Any)
        {
            chosen = Find(tools, WishedFor(last.UserText)) ?? tools[0];
        }
        else if (mode == ToolMode.Auto)
        {
            chosen = Find(tools, WishedFor(last.UserText));
        }

        return last.IsToolResult ? null : chosen?.Call();
    }

    private static OfferedTool? Find(IReadOnlyList<OfferedTool> tools, string? name)
    {
        foreach (var tool in tools)
        {
            if (string.Equals(tool.Name, name, StringComparison.Ordinal))
            {
                return tool;
            }
        }

        return null;
    }

    private static string? WishedFor(string userText)
    {
        var at = userText.LastIndexOf(Wish, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
        {
            return null;
        }

        var rest = userText.AsSpan(at + Wish.Length);
        var end = 0;
        while (end < rest.Length && (char.IsAsciiLetterOrDigit(rest[end]) || rest[end] is '_' or '-'))
        {
            end++;
        }

        return rest[..end].ToString();
    }
}

/// <summary>What decides about tools in the last turn of a conversation.</summary>
/// <param name="IsToolResult">It brings the result of a tool.</param>
/// <param name="UserText">Its text, where the user wrote it.</param>
internal readonly record struct LastTurn(bool IsToolResult, string UserText)
{
    public static LastTurn Of(JsonElement messages)
    {
        var last = messages[messages.GetArrayLength() - 1];
        var role = Get(last, "role");
        if (role == "tool")
        {
            return new LastTurn(true, "");
        }

        var content = last.TryGetProperty("content", out var value) ? value : default;
        if (role != "user" || content.ValueKind != JsonValueKind.Array)
        {
            return new LastTurn(
                false, role == "user" && content.ValueKind == JsonValueKind.String ? content.GetString()! : "");
        }

        var result = false;
        var text = "";
        foreach (var part in content.EnumerateArray())
        {
            result |= Get(part, "type") == "tool_result";
            text = Get(part, "text") ?? text;
        }

        return new LastTurn(result, text);
    }

    private static string? Get(JsonElement part, string name) =>
        part.ValueKind == JsonValueKind.Object && part.TryGetProperty(name, out var value)
            && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
