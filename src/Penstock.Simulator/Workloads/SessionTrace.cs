using System.Text.Json;

namespace Penstock.Simulator.Workloads;

/// <summary>
/// One recorded session of an agent: its requests in their order, each with the runs of block ids of its prompt, and
/// the sub-agents that it started in between.
/// </summary>
/// <remarks>
/// Read from a line of <c>claude_code_sessions_rle.jsonl</c> (callanjfox/kv-cache-tester, run-length encoded): a
/// request has <c>t</c> and <c>think_time</c> in seconds, <c>in</c> and <c>out</c> in tokens and <c>h</c>, a list of
/// [first id, count] of 64-token blocks, whose ids are the session's own.
/// </remarks>
public sealed record SessionTrace
{
    public required int ToolTokens { get; init; }

    public required int SystemTokens { get; init; }

    public required SessionStep[] Steps { get; init; }

    /// <summary>Reads one line.</summary>
    /// <exception cref="JsonException">It is no such session.</exception>
    public static SessionTrace Parse(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        try
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return Session(document.RootElement);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException("not a recorded session: " + e.Message, e);
        }
    }

    private static SessionTrace Session(JsonElement json)
    {
        List<SessionStep> steps = [];
        List<SubagentStart> started = [];
        var lastEnd = 0.0;
        foreach (var entry in json.GetProperty("requests").EnumerateArray())
        {
            var at = entry.GetProperty("t").GetDouble();
            if (entry.GetProperty("type").GetString() == "subagent")
            {
                started.Add(new SubagentStart(Math.Max(0, at - lastEnd), Session(entry)));
                continue;
            }

            steps.Add(new SessionStep
            {
                PromptTokens = entry.GetProperty("in").GetInt32(),
                OutputTokens = Math.Max(1, entry.GetProperty("out").GetInt32()),
                ThinkSeconds = Seconds(entry, "think_time"),
                Runs = Runs(entry.GetProperty("h")),
                Subagents = [.. started],
            });
            started.Clear();
            lastEnd = at + Seconds(entry, "api_time");
        }

        return new SessionTrace
        {
            ToolTokens = json.GetProperty("tool_tokens").GetInt32(),
            SystemTokens = json.GetProperty("system_tokens").GetInt32(),
            Steps = [.. steps],
        };
    }

    private static double Seconds(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : 0;

    private static BlockRun[] Runs(JsonElement json)
    {
        var runs = new BlockRun[json.GetArrayLength()];
        for (var i = 0; i < runs.Length; i++)
        {
            runs[i] = new BlockRun(json[i][0].GetInt32(), json[i][1].GetInt32());
        }

        return runs;
    }
}

/// <summary>One request of a session.</summary>
public sealed record SessionStep
{
    public required int PromptTokens { get; init; }

    public required int OutputTokens { get; init; }

    /// <summary>Seconds since the answer before it.</summary>
    public required double ThinkSeconds { get; init; }

    public required BlockRun[] Runs { get; init; }

    /// <summary>The sub-agents that were started since the answer before it, and that it waits for.</summary>
    public required SubagentStart[] Subagents { get; init; }
}

/// <summary>Consecutive block ids.</summary>
public readonly record struct BlockRun(int First, int Count);

/// <summary>A sub-agent that starts so long after an answer.</summary>
public sealed record SubagentStart(double AfterSeconds, SessionTrace Session);
