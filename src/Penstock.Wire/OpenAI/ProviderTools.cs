namespace Penstock.Wire.OpenAI;

/// <summary>
/// Which of Anthropic's own tool types the provider runs itself, by the prefixes of their dated names.
/// </summary>
internal static class ProviderTools
{
    private static readonly string[] Prefixes =
        ["web_search_", "web_fetch_", "code_execution_", "tool_search_tool_", "mcp_toolset", "advisor_"];

    public static bool RunsAtProvider(string type) =>
        Prefixes.Any(prefix => type.StartsWith(prefix, StringComparison.Ordinal));
}
