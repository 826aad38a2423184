using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>What kind of work a request is, as far as its client said. Never needed, only used.</summary>
public enum RequestClass : byte
{
    Unknown,

    /// <summary>A person waits for it.</summary>
    Main,

    Subagent,
    Workflow,

    /// <summary>It sums a conversation up, which goes on from the summary: its prefix will not come again.</summary>
    Compaction,

    /// <summary>A small side question, such as a title.</summary>
    Auxiliary,
}

/// <summary>What routing needs to know of one request. Lives on the stack; holds no copies.</summary>
public readonly ref struct RouteRequest
{
    /// <summary>When the decision is made.</summary>
    public Instant At { get; init; }

    /// <summary>Its name in decision logs, the same for all its tries; nothing depends on it. 0 for none.</summary>
    public ulong Id { get; init; }

    /// <summary>The prompt, as the index keys it.</summary>
    public PromptPrefix Prompt { get; init; }

    /// <summary>The most tokens the answer may have; 0 where the client set no bound.</summary>
    public long OutputTokensMax { get; init; }

    /// <summary>Whose request it is: a hash of its API key, by which answers' lengths are predicted; 0 for nobody's.
    /// </summary>
    public ulong Key { get; init; }

    /// <summary>The session that the client says it belongs to, hashed with its owner; 0 where it says none.</summary>
    public ulong Session { get; init; }

    public RequestClass Class { get; init; }

    /// <summary>The client says that it just compacted its context: its session is bound to no replica any more. What
    /// its engine keeps of the old context lives as long as the engine lets it, and so it does in the mirror.</summary>
    public bool ContextCompacted { get; init; }

    /// <summary>The answer is not streamed but comes in one piece: its first token will not be told of.</summary>
    public bool AnswersWhole { get; init; }

    /// <summary>How soon the tokens of its answer are to come.</summary>
    public Slo Slo { get; init; }

    /// <summary>Replica slots that this request has tried in vain.</summary>
    public ReadOnlySpan<int> Tried { get; init; }
}
