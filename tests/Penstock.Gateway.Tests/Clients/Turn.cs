using System.Text.Json;
using System.Text.Json.Nodes;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>What the script answers to a body of either dialect: a text, or a call of a tool.</summary>
internal sealed record Turn(string Text, string? Tool, string Arguments, int PromptTokens)
{
    /// <summary>What a command that the script has run prints; it comes back in the answer.</summary>
    public const string CommandOutput = "penstock-tool-ran";

    private static readonly Dictionary<string, string> s_calls = new(StringComparer.Ordinal)
    {
        ["get_weather"] = """{"city":"Oslo"}""",
        ["Bash"] = $$"""{"command":"echo {{CommandOutput}}","description":"Print a word"}""",
    };

    public static Turn For(JsonObject body)
    {
        var promptTokens = body.ToJsonString().Length / 4;
        var messages = body["messages"]!.AsArray();
        if (messages.Select(ToolResult).OfType<string>().LastOrDefault() is { } result)
        {
            return new($"The tool says: {result}", null, "", promptTokens);
        }

        var offered = (body["tools"] as JsonArray ?? [])
            .Select(t => (string?)(t!["function"]?["name"] ?? t["name"]))
            .FirstOrDefault(name => name is not null && s_calls.ContainsKey(name));
        return offered is null
            ? new("Hello from the scripted engine.", null, "", promptTokens)
            : new("", offered, s_calls[offered], promptTokens);
    }

    /// <summary>The text or the arguments in the small pieces of a stream.</summary>
    public IEnumerable<string> Parts() =>
        (Tool is null ? Text : Arguments).Chunk(5).Select(characters => new string(characters));

    public int OutputTokens() => Parts().Count();

    // A role of its own in one dialect, a block of the user's turn in the other.
    private static string? ToolResult(JsonNode? message)
    {
        if ((string?)message!["role"] == "tool")
        {
            return TextOf(message["content"]);
        }

        return (message["content"] as JsonArray)?
            .Where(b => (string?)b!["type"] == "tool_result")
            .Select(b => TextOf(b!["content"]))
            .LastOrDefault();
    }

    private static string TextOf(JsonNode? content) => content switch
    {
        JsonArray blocks => string.Concat(blocks.Select(b => (string?)b!["text"])),
        null => "",
        _ => content.GetValueKind() == JsonValueKind.String ? (string)content! : content.ToJsonString(),
    };
}
