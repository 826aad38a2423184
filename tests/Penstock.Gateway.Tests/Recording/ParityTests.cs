using System.Text.Json;
using Penstock.Core.Config;
using Penstock.Core.Recording;
using Penstock.Core.Routing;
using Penstock.Gateway.Tests.CommandLine;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Recording;

/// <summary>What a running gateway decided under load, a replay of its log decides again.</summary>
public class ParityTests
{
    private const int Conversations = 24;
    private const int Turns = 12;
    private const string Route = "POST /v1/messages";

    [Fact]
    public async Task A_log_of_the_gateway_under_load_replays_to_the_same_decisions()
    {
        await using var work = await WorkAsync();
        var run = await CommandRun.Of("replay", work.Logs, "--json");
        Assert.Equal((0, ""), (run.Code, run.Error));
        var report = JsonElement.Parse(run.Output);
        Assert.True(report.GetProperty("same").GetBoolean());
        var log = Assert.Single(report.GetProperty("logs").EnumerateArray());
        Assert.Equal(Conversations * Turns, log.GetProperty("decisions").GetInt64());
        Assert.InRange(log.GetProperty("events").GetInt64(), Conversations * Turns, 100_000);
    }

    [Fact]
    public async Task Decisions_that_pass_over_who_misses_an_objective_replay_too()
    {
        await using var work = await WorkAsync(
            "penstock", new SloConfig { FirstToken = TimeSpan.FromMilliseconds(100) });
        Assert.Contains(work.Decisions, HasPassedOver);
        var run = await CommandRun.Of("replay", work.Logs, "--json", "--policy", "penstock");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(
            Conversations * Turns,
            JsonElement.Parse(run.Output).GetProperty("logs")[0].GetProperty("decisions").GetInt64());
    }

    [Fact]
    public async Task A_log_that_says_otherwise_ends_with_1_and_the_first_difference()
    {
        await using var work = await WorkAsync();
        var path = Assert.Single(Directory.GetFiles(work.Logs));
        await File.WriteAllBytesAsync(path, OfAnotherSeed(await File.ReadAllBytesAsync(path, RunningGateway.Guard)),
            RunningGateway.Guard);
        var run = await CommandRun.Of("replay", path);
        Assert.Equal(1, run.Code);
        Assert.Contains("differs at decision", run.Output);
        Assert.Matches(@"decision \d+ \(dec_[0-9a-f]{16}, \d{4}-\d\d-\d\dT[0-9:.]{12}Z\):", run.Output);
        Assert.Contains("recorded  r", run.Output);
        Assert.Contains("replayed  r", run.Output);
    }

    [Fact]
    public async Task Another_policy_says_what_it_would_have_chosen()
    {
        await using var work = await WorkAsync();
        var run = await CommandRun.Of("replay", work.Logs, "--policy", "round-robin");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains($"of {Conversations * Turns} requests elsewhere", run.Output);
    }

    /// <summary>One log is damaged in its middle, one is whole by its checksums and cannot have been written, one is
    /// torn: the last is no fault, and all of them are looked at.</summary>
    [Fact]
    public async Task Every_log_of_a_folder_is_looked_at_and_damage_ends_with_1()
    {
        await using var work = await WorkAsync();
        var path = Assert.Single(Directory.GetFiles(work.Logs));
        var log = await File.ReadAllBytesAsync(path, RunningGateway.Guard);
        await File.WriteAllBytesAsync(path + ".torn.plog", log[..^1], RunningGateway.Guard);
        var run = await CommandRun.Of("replay", work.Logs, "--json");
        Assert.Equal(0, run.Code);
        Assert.True(JsonElement.Parse(run.Output).GetProperty("logs")[1].GetProperty("torn").GetBoolean());

        await File.WriteAllBytesAsync(path + ".crash.plog", WithImpossibleEvent(log), RunningGateway.Guard);
        log[log.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(path + ".bad.plog", log, RunningGateway.Guard);
        run = await CommandRun.Of("replay", work.Logs, "--json");
        Assert.Equal((1, ""), (run.Code, run.Error));
        var report = JsonElement.Parse(run.Output);
        Assert.False(report.GetProperty("same").GetBoolean());
        var logs = report.GetProperty("logs").EnumerateArray().ToArray();
        Assert.Equal([true, false, false, true], logs.Select(l => l.GetProperty("same").GetBoolean()));
        Assert.True(logs[1].GetProperty("damaged").GetBoolean());
        Assert.InRange(logs[1].GetProperty("unread_bytes").GetInt64(), log.Length / 3, log.Length);
        Assert.Contains("the replay failed: ", logs[2].GetProperty("problem").GetString());
        run = await CommandRun.Of("replay", work.Logs);
        Assert.Contains("bytes were not looked at", run.Output);
    }

    [Theory]
    [InlineData("there is no file", "/nowhere/at.plog")]
    [InlineData("there is no decision log", "")]
    public async Task Where_there_is_no_log_it_says_so_and_ends_with_2(string message, string path)
    {
        var empty = Directory.CreateTempSubdirectory("penstock-logs-");
        try
        {
            var run = await CommandRun.Of("replay", path.Length == 0 ? empty.FullName : path);
            Assert.Equal((2, ""), (run.Code, run.Output));
            Assert.Contains(message, run.Error);
        }
        finally
        {
            empty.Delete();
        }
    }

    [Fact]
    public async Task A_policy_that_is_not_known_is_a_wrong_command_line()
    {
        var run = await CommandRun.Of("replay", ".", "--policy", "least-tokns");
        Assert.Equal(2, run.Code);
        Assert.Contains("did you mean 'least-tokens'?", run.Error);
    }

    /// <summary>Conversations that grow, all at once, over four engines. None has its first answer before all have
    /// asked.</summary>
    private static async Task<FinishedWork> WorkAsync(string policy = "power-of-two", SloConfig? slo = null)
    {
        var engines = Enumerable.Range(0, 4).Select(_ => Personality.Vllm.Start()).ToArray();
        var gate = new Gate();
        foreach (var engine in engines)
        {
            var usual = engine.AnswerTo(Route);
            engine.On(Route, request => request.Body.Length == 0 || gate.IsOpen ? usual(request) : Late(gate));
        }

        var gateway = await RunningGateway.StartAsync(
            d => d with { Pools = [d.Pools[0] with { Policy = policy, Slo = slo ?? new() }] }, engines);
        var conversations = Task.WhenAll(
            Enumerable.Range(0, Conversations).Select(c => ConverseAsync(gateway, c)));
        await gateway.WhenFleetAsync(
            f => f.GetProperty("pools")[0].GetProperty("in_flight").GetInt64() == Conversations);
        gate.Open();
        await conversations;
        var decisions = await gateway.DecisionsAsync();
        await gateway.CloseBooksAsync();
        return new FinishedWork(gateway, engines) { Decisions = decisions };
    }

    private static Script Late(Gate gate) => Script.EventsHead().Pass(gate)
        .SendChunk(string.Concat(CannedAnswers.MessageEvents(new EngineFacts()))).SendLastChunk();

    private static bool HasPassedOver(JsonElement decision) => decision.GetProperty("candidates").EnumerateArray()
        .Any(c => c.TryGetProperty("passed_over", out _) && c.GetProperty("misses").GetArrayLength() > 0);

    private static async Task ConverseAsync(RunningGateway gateway, int conversation)
    {
        var system = new string((char)('a' + (conversation % 3)), 2_000);
        List<string> messages = [];
        for (var turn = 0; turn < Turns; turn++)
        {
            messages.Add($$"""{"role":"user","content":"{{conversation}} {{turn}} {{new string('x', 400)}}"}""");
            var body = $$"""
                {"model":"{{RunningGateway.Model}}","max_tokens":64,"stream":{{(turn % 2 == 0 ? "true" : "false")}},
                "system":"{{system}}","messages":[{{string.Join(',', messages)}}]}
                """;
            var answer = await gateway.AskAsync(Bodies.Messages, body);
            Assert.Equal(200, answer.Status);
            messages.Add("""{"role":"assistant","content":"as you say"}""");
        }
    }

    /// <summary>The log of an event at a replica that the pool has not.</summary>
    private static byte[] WithImpossibleEvent(ReadOnlySpan<byte> log)
    {
        var left = log;
        LogChunk.Take(ref left, out _);
        byte[] record = [16 + (byte)PoolEventKind.Eligibility, 0, 200, 1, 0, 0];
        var head = new byte[LogChunk.HeadBytes];
        LogChunk.WriteHead(record, head);
        return [.. log[..^left.Length], .. head, .. record];
    }

    private static byte[] OfAnotherSeed(ReadOnlySpan<byte> log)
    {
        var header = PoolReplay.HeaderOf(log);
        LogChunk.Take(ref log, out _);
        var changed = new System.Buffers.ArrayBufferWriter<byte>();
        (header with { Seed = header.Seed + 1 }).Write(changed);
        var head = new byte[LogChunk.HeadBytes];
        LogChunk.WriteHead(changed.WrittenSpan, head);
        return [.. head, .. changed.WrittenSpan, .. log];
    }

    private sealed class FinishedWork(RunningGateway gateway, ScriptedEngine[] engines) : IAsyncDisposable
    {
        private readonly DirectoryInfo _copy = Copy(gateway.Decisions);

        public string Logs => _copy.FullName;

        public required IReadOnlyList<JsonElement> Decisions { get; init; }

        public async ValueTask DisposeAsync()
        {
            await gateway.DisposeAsync();
            foreach (var engine in engines)
            {
                await engine.DisposeAsync();
            }

            _copy.Delete(recursive: true);
        }

        private static DirectoryInfo Copy(string logs)
        {
            var copy = Directory.CreateTempSubdirectory("penstock-logs-");
            foreach (var log in Directory.GetFiles(logs))
            {
                File.Copy(log, Path.Combine(copy.FullName, Path.GetFileName(log)));
            }

            return copy;
        }
    }
}
