namespace Penstock.LiveBench.Sessions;

/// <summary>Consecutive block ids of a prompt, as the trace writes them.</summary>
internal readonly record struct BlockRun(int First, int Count);

/// <summary>One thing that happens in a session: a request, or the start of a sub-agent.</summary>
/// <param name="PauseSeconds">
/// Virtual seconds after the end of the request before it. A sub-agent does not keep its parent waiting.
/// </param>
internal abstract record SessionStep(double PauseSeconds);

/// <summary>One request.</summary>
/// <param name="Blocks">Number of 64-token blocks of the prompt.</param>
/// <param name="Prompt">Their ids, in order.</param>
/// <param name="OutputTokens">Tokens of the answer.</param>
internal sealed record RequestStep(double PauseSeconds, int Blocks, BlockRun[] Prompt, int OutputTokens)
    : SessionStep(PauseSeconds);

/// <summary>A sub-agent begins, with requests of its own.</summary>
internal sealed record SubagentStep(double PauseSeconds, SessionStep[] Steps, string Kind, int SharedBlocks)
    : SessionStep(PauseSeconds);

/// <summary>One session of the trace. Ids of blocks are its own; its sub-agents use the same.</summary>
/// <param name="SharedBlocks">Blocks at the start of a prompt that hold tools and system text.</param>
internal sealed record Session(string Id, int Number, int SharedBlocks, SessionStep[] Steps);
