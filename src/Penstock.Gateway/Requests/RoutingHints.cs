using Microsoft.AspNetCore.Http;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Gateway.Requests;

/// <summary>
/// What a client says about a request beside its body. Never needed: a request without hints is routed by its prompt.
/// </summary>
/// <param name="Session">Its session, hashed with the key that it came with; 0 where it names none. An agent of a
/// session is one of its own, for its prompts are.</param>
/// <param name="Class">The kind of work.</param>
/// <param name="ContextCompacted">Its session starts over, wherever that is best.</param>
internal readonly record struct RoutingHints(ulong Session, RequestClass Class, bool ContextCompacted)
{
    /// <summary>Characters of a value that are kept for the record.</summary>
    public const int KeptCharsMax = 128;

    private const int ValueCharsMax = 256;
    private const string Agent = "x-claude-code-agent-id";
    private const string Kind = "x-claude-code-request-class";
    private const string Compacted = "x-claude-code-context-compacted";

    /// <summary>Headers that name a session, in the order in which they are believed: Claude Code's, then those that
    /// other clients and routers use.</summary>
    private static readonly string[] SessionHeaders =
        ["x-claude-code-session-id", "x-session-id", "session-id", "x-session-affinity"];

    private static readonly string[] AllHeaders = [.. SessionHeaders, Agent, Kind, Compacted];

    private static readonly IReadOnlyList<KeyValuePair<string, string>> None = [];

    public static RoutingHints Read(IHeaderDictionary headers, ulong key) => new(
        SessionOf(headers, key),
        ClassOf(headers[Kind].ToString()),
        headers.TryGetValue(Compacted, out var compacted)
            && !string.Equals(compacted, "false", StringComparison.OrdinalIgnoreCase));

    /// <summary>What is kept of them for the record of a decision: those that are known, the beginning of each.
    /// </summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Kept(IHeaderDictionary headers)
    {
        List<KeyValuePair<string, string>>? kept = null;
        foreach (var name in AllHeaders)
        {
            if (headers.TryGetValue(name, out var value))
            {
                var text = value.ToString();
                kept ??= [];
                kept.Add(new(name, text[..Math.Min(text.Length, KeptCharsMax)]));
            }
        }

        return kept ?? None;
    }

    private static ulong SessionOf(IHeaderDictionary headers, ulong key)
    {
        foreach (var name in SessionHeaders)
        {
            if (headers.TryGetValue(name, out var value) && value.ToString() is { Length: > 0 and < ValueCharsMax } id)
            {
                var session = Hash64.Of(id, key);
                return headers.TryGetValue(Agent, out var agent)
                    && agent.ToString() is { Length: > 0 and < ValueCharsMax } agentId
                        ? Hash64.Of(agentId, session)
                        : session;
            }
        }

        return 0;
    }

    private static RequestClass ClassOf(string name) => name switch
    {
        "main" => RequestClass.Main,
        "subagent" => RequestClass.Subagent,
        "workflow" => RequestClass.Workflow,
        "compaction" => RequestClass.Compaction,
        "auxiliary" => RequestClass.Auxiliary,
        _ => RequestClass.Unknown,
    };
}
