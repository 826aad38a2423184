using System.Text.Json;
using Penstock.Bench.Processes;

namespace Penstock.LiveBench.Sessions;

/// <summary>
/// Reads recorded Claude Code sessions: callanjfox/kv-cache-tester (Apache-2.0), one session a line with block ids in
/// run lengths.
/// </summary>
internal static class TraceFile
{
    public const int BlockTokens = 64;
    private const string Name = "traces/claude_code_sessions_rle.jsonl";

    /// <summary>Where the trace lies; null, with the reason, where it is not to be had.</summary>
    public static string? Find(string root, out string why)
    {
        var configured = Environment.GetEnvironmentVariable("PENSTOCK_DATA");
        var folder = configured is { Length: > 0 } ? configured : Path.Combine(root, "../shared/data");
        var file = Path.GetFullPath(Path.Combine(folder, Name));
        why = File.Exists(file) ? "" : $"no {Name}: set PENSTOCK_DATA to the folder of the test data";
        return why.Length == 0 ? file : null;
    }

    /// <summary>Every session that has a request to play; longer prompts are left out, longer pauses cut.</summary>
    public static List<Session> Read(string file, int promptTokensMax, double pauseMax)
    {
        var sessions = new List<Session>();
        foreach (var line in File.ReadLines(file))
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.GetProperty("block_size").GetInt32() != BlockTokens)
            {
                throw new BenchFailure($"{file}: blocks are not of {BlockTokens} tokens");
            }

            var steps = Steps(root.GetProperty("requests"), promptTokensMax, pauseMax);
            if (steps.Any(step => step is RequestStep))
            {
                sessions.Add(new Session(
                    root.GetProperty("id").GetString()!, sessions.Count, SharedBlocks(root), steps));
            }
        }

        return sessions;
    }

    private static SessionStep[] Steps(JsonElement requests, int promptTokensMax, double pauseMax)
    {
        var steps = new List<SessionStep>();
        var ended = 0.0;
        foreach (var entry in requests.EnumerateArray())
        {
            var at = entry.GetProperty("t").GetDouble();
            if (entry.GetProperty("type").GetString() == "subagent")
            {
                var own = Steps(entry.GetProperty("requests"), promptTokensMax, pauseMax);
                if (own.Length > 0)
                {
                    var pause = Math.Clamp(at - ended, 0, pauseMax);
                    var kind = entry.GetProperty("subagent_type").GetString() ?? "";
                    steps.Add(new SubagentStep(pause, own, kind, SharedBlocks(entry)));
                }

                continue;
            }

            ended = at + Seconds(entry, "api_time");
            var prompt = Prompt(entry.GetProperty("h"));
            var blocks = prompt.Sum(run => run.Count);
            if (blocks > 0 && entry.GetProperty("in").GetInt32() <= promptTokensMax)
            {
                var pause = Math.Min(Seconds(entry, "think_time"), pauseMax);
                steps.Add(new RequestStep(pause, blocks, prompt, Math.Max(1, entry.GetProperty("out").GetInt32())));
            }
        }

        return [.. steps];
    }

    private static BlockRun[] Prompt(JsonElement runs) =>
        [.. runs.EnumerateArray().Select(run => new BlockRun(run[0].GetInt32(), run[1].GetInt32()))];

    private static int SharedBlocks(JsonElement owner) =>
        (int)((Number(owner, "tool_tokens") + Number(owner, "system_tokens")) / BlockTokens);

    private static double Seconds(JsonElement entry, string name) => Math.Max(0, Number(entry, name));

    private static double Number(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : 0;
}
