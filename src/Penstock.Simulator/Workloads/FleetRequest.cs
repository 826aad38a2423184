using Penstock.Core.Prefixes;
using Penstock.Core.Routing;

namespace Penstock.Simulator.Workloads;

/// <summary>One request of a workload: sizes and hashes, no text.</summary>
public class FleetRequest
{
    /// <summary>Tokens in a block of <see cref="Chain"/>.</summary>
    public const int BlockTokens = 64;

    /// <summary>
    /// The chained hash of each full block of prompt and answer. A next turn whose prompt contains this answer has the
    /// same hashes up to there.
    /// </summary>
    public required ulong[] Chain { get; init; }

    /// <summary>At least 1.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Tokens of the answer, at least 1.</summary>
    public required int OutputTokens { get; init; }

    /// <summary>Where the parts of the prompt end, the whole prompt last.</summary>
    public PromptMark[] Marks { get; init; } = [];

    /// <summary>0 where its client names none.</summary>
    public ulong Session { get; init; }

    public ulong Key { get; init; } = 1;

    public RequestClass Class { get; init; }

    public bool ContextCompacted { get; init; }

    /// <summary>The answer is not streamed: a gateway hears of nothing but its end.</summary>
    public bool AnswersWhole { get; init; }

    /// <summary>The full blocks of the prompt alone.</summary>
    public ReadOnlySpan<ulong> PromptBlocks => Chain.AsSpan(0, Math.Min(Chain.Length, PromptTokens / BlockTokens));

    /// <summary>The prompt as an index keyed by tokens takes it.</summary>
    public PromptPrefix Prompt => new() { Blocks = PromptBlocks, Marks = Marks, Length = PromptTokens };
}
