using System.Text.Json;
using System.Text.Unicode;
using Penstock.Core.Models;

namespace Penstock.Wire.Tests.Scan;

/// <summary>Whether a body is one that a scan must accept, by the platform's own JSON parser.</summary>
internal static class Oracle
{
    private static readonly string[] Anthropic = ["model", "stream", "max_tokens", "messages", "tools", "system"];

    private static readonly string[] Chat =
        ["model", "stream", "max_tokens", "max_completion_tokens", "messages", "tools", "stream_options"];

    public static bool Accepts(byte[] body, Dialect dialect)
    {
        if (!Utf8.IsValid(body))
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object && Accepts(document.RootElement, dialect);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool Accepts(JsonElement root, Dialect dialect)
    {
        var known = dialect == Dialect.Anthropic ? Anthropic : Chat;
        var members = root.EnumerateObject().Select(m => (Name: NameOf(m), m.Value)).ToList();
        var counts = members.Where(m => known.Contains(m.Name)).CountBy(m => m.Name).ToDictionary();
        return counts.Values.All(count => count == 1)
            && counts.ContainsKey("model") && counts.ContainsKey("messages")
            && (dialect == Dialect.OpenAiChat || counts.ContainsKey("max_tokens"))
            && members.All(m => !known.Contains(m.Name) || IsRight(m.Name, m.Value, dialect == Dialect.OpenAiChat));
    }

    private static bool IsRight(string name, JsonElement value, bool isChat)
    {
        var absent = isChat && value.ValueKind == JsonValueKind.Null;
        return name switch
        {
            "model" => value.ValueKind == JsonValueKind.String,
            "stream" => absent || value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "max_tokens" or "max_completion_tokens" =>
                absent || (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var n) && n >= 0),
            "messages" => value.ValueKind == JsonValueKind.Array,
            "tools" => absent || value.ValueKind == JsonValueKind.Array,
            "system" => value.ValueKind is JsonValueKind.Array or JsonValueKind.String,
            _ => absent || (value.ValueKind == JsonValueKind.Object && value.EnumerateObject().All(m =>
                NameOf(m) != "include_usage"
                || m.Value.ValueKind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null)),
        };
    }

    private static string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair: no name that anyone knows.
            return "";
        }
    }
}
