using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Simulator.Workloads;

/// <summary>One session, or one sub-agent of it, as it is played: where it stands and what its prompts hash to.
/// </summary>
internal sealed class SessionPlayer(
    SessionTrace trace, int steps, ulong salt, ulong session, SessionPlayer? parent)
{
    private const int Block = FleetRequest.BlockTokens;

    /// <summary>The ends of the messages so far, each with the last full block before it.</summary>
    private readonly List<(int End, ulong Block)> _ends = [];

    public SessionPlayer? Parent => parent;

    public ulong Salt => salt;

    public ulong Session => session;

    /// <summary>Its answers are not streamed.</summary>
    public bool AnswersWhole { get; init; }

    /// <summary>The step that is sent next, or waited for.</summary>
    public int At { get; set; }

    /// <summary>Sub-agents that the next step waits for.</summary>
    public int SubagentsLeft { get; set; }

    /// <summary>The next step is not sent before.</summary>
    public Instant ThinksUntil { get; set; }

    public bool IsOver => At >= steps;

    public SessionStep Next => trace.Steps[At];

    public SessionRequest Request()
    {
        var step = trace.Steps[At];
        var chain = new ulong[(step.PromptTokens + step.OutputTokens) / Block];
        var ids = new int[step.PromptTokens / Block];
        Unroll(step.Runs, ids);
        var hash = 0UL;
        for (var i = 0; i < ids.Length; i++)
        {
            chain[i] = hash = Hash64.Combine(hash, Content(i, ids[i]));
        }

        Answer(chain, ids);
        return new SessionRequest
        {
            Player = this,
            Chain = chain,
            PromptTokens = step.PromptTokens,
            OutputTokens = step.OutputTokens,
            Marks = Marks(chain.AsSpan(0, ids.Length), step),
            Session = session,
            AnswersWhole = AnswersWhole,
            Class = parent is null ? RequestClass.Main : RequestClass.Subagent,
        };
    }

    /// <summary>The blocks of the answer are those of the next prompt where that goes on from it.</summary>
    private void Answer(ulong[] chain, int[] ids)
    {
        var next = At + 1 < trace.Steps.Length ? trace.Steps[At + 1] : null;
        var following = new int[next is null ? 0 : next.PromptTokens / Block];
        if (next is not null)
        {
            Unroll(next.Runs, following);
        }

        var goesOn = following.AsSpan().StartsWith(ids);
        var hash = ids.Length > 0 ? chain[ids.Length - 1] : 0;
        for (var i = ids.Length; i < chain.Length; i++)
        {
            var content = goesOn && i < following.Length
                ? Content(i, following[i])
                : Hash64.Combine(salt, ~((ulong)At << 32) ^ (uint)i);
            chain[i] = hash = Hash64.Combine(hash, content);
        }
    }

    private PromptMark[] Marks(ReadOnlySpan<ulong> blocks, SessionStep step)
    {
        for (var i = _ends.Count - 1; i >= 0; i--)
        {
            var (end, block) = _ends[i];
            if (end / Block > blocks.Length || end > step.PromptTokens
                || (block != 0 && block != blocks[(end / Block) - 1]))
            {
                _ends.RemoveAt(i);
            }
        }

        var tools = trace.ToolTokens;
        var system = tools + trace.SystemTokens;
        List<PromptMark> marks = [];
        Add(marks, tools, blocks, step);
        Add(marks, system, blocks, step);
        foreach (var (end, _) in _ends)
        {
            Add(marks, end, blocks, step);
        }

        Add(marks, step.PromptTokens, blocks, step);
        _ends.Add((step.PromptTokens, step.PromptTokens < Block ? 0 : blocks[(step.PromptTokens / Block) - 1]));
        return [.. marks];
    }

    private static void Add(List<PromptMark> marks, int end, ReadOnlySpan<ulong> blocks, SessionStep step)
    {
        if (end >= Block && end <= step.PromptTokens && end / Block <= blocks.Length
            && (marks.Count == 0 || marks[^1].End < end))
        {
            marks.Add(new PromptMark(end, Hash64.Combine(blocks[(end / Block) - 1], (ulong)end) | 1));
        }
    }

    /// <summary>Tools and system prompt are everybody's who has the same ones; the rest is the session's own.</summary>
    private ulong Content(int block, int id)
    {
        var end = (block + 1) * Block;
        var tools = (ulong)trace.ToolTokens;
        return end <= trace.ToolTokens ? Hash64.Combine(tools, (ulong)block)
            : end <= trace.ToolTokens + trace.SystemTokens
                ? Hash64.Combine(Hash64.Combine(tools, (ulong)trace.SystemTokens), (ulong)block)
            : Hash64.Combine(salt, (ulong)id);
    }

    private static void Unroll(BlockRun[] runs, int[] ids)
    {
        var at = 0;
        foreach (var run in runs)
        {
            for (var i = 0; i < run.Count && at < ids.Length; i++)
            {
                ids[at++] = run.First + i;
            }
        }
    }
}

/// <summary>A request that a session waits for.</summary>
internal sealed class SessionRequest : FleetRequest
{
    public required SessionPlayer Player { get; init; }
}
