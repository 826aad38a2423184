using System.Text;
using System.Text.Json;
using Penstock.Core.Primitives;
using Penstock.Simulator.Workloads;

namespace Penstock.Simulator.Tests.Workloads;

public sealed class SessionWorkloadTests
{
    private const string Line = """
        {"id":"a","tool_tokens":128,"system_tokens":64,"requests":[
        {"t":0,"type":"n","in":330,"out":100,"api_time":2,"think_time":0,"h":[[1,5]]},
        {"t":5,"type":"subagent","tool_tokens":64,"system_tokens":0,"requests":[
        {"t":0,"type":"n","in":200,"out":10,"h":[[500,3]]},{"t":9,"type":"n","in":300,"out":10,"think_time":4,
        "h":[[500,4]]}]},
        {"t":30,"type":"s","in":500,"out":20,"think_time":900,"h":[[1,7]]},
        {"t":40,"type":"s","in":400,"out":20,"think_time":1,"h":[[1,3],[90,3]]}]}
        """;

    [Fact]
    public void A_next_turn_begins_with_the_prompt_and_the_answer_before_it()
    {
        var played = Play(new SessionOptions { Concurrent = 1, StartSeconds = 0 }, steps: 40);
        var first = played.First(p => p.Request.PromptTokens == 330).Request;
        var second = played.First(p => p.Request.PromptTokens == 500 && p.Request.Session == first.Session).Request;
        Assert.Equal(first.Chain, second.Chain[..6]);
        Assert.Equal([128L, 192, 330], first.Marks.Select(m => m.End));
        Assert.Equal([128L, 192, 330, 500], second.Marks.Select(m => m.End));
        Assert.Equal(first.Marks, second.Marks[..3]);

        // The third goes on from the first three blocks alone.
        var third = played.First(p => p.Request.PromptTokens == 400 && p.Request.Session == first.Session).Request;
        Assert.Equal(second.Chain[..3], third.Chain[..3]);
        Assert.NotEqual(second.Chain[3], third.Chain[3]);
        Assert.Equal([128L, 192, 400], third.Marks.Select(m => m.End));
    }

    [Fact]
    public void Only_tools_and_system_prompt_are_shared_between_sessions()
    {
        var played = Play(new SessionOptions { Concurrent = 1, StartSeconds = 0 }, steps: 40);
        var prompts = played.Where(p => p.Request.PromptTokens == 330).Select(p => p.Request).Take(2).ToArray();
        Assert.NotEqual(prompts[0].Session, prompts[1].Session);
        Assert.Equal(prompts[0].Chain[..3], prompts[1].Chain[..3]);
        Assert.NotEqual(prompts[0].Chain[3], prompts[1].Chain[3]);
    }

    [Fact]
    public void Pauses_are_cut_and_a_parent_waits_for_its_sub_agents()
    {
        var played = Play(new SessionOptions { Concurrent = 1, StartSeconds = 0, ThinkSecondsMax = 6 }, steps: 40);
        var first = played.FindIndex(p => p.Request.PromptTokens == 330);
        Assert.Equal([330, 200, 300, 500, 400], played.Skip(first).Take(5).Select(p => p.Request.PromptTokens));

        // Each answer takes 1 s: the sub-agent starts 3 s after the first one and thinks for 4 s.
        var at = played[first].At.Seconds;
        Assert.Equal(
            [0, 4, 9, 10, 12], played.Skip(first).Take(5).Select(p => Math.Round(p.At.Seconds - at, 6)));
    }

    [Fact]
    public void A_session_ends_where_its_context_is_full()
    {
        var played = Play(
            new SessionOptions { Concurrent = 1, StartSeconds = 0, PromptTokensMax = 450 }, steps: 10);
        Assert.All(played, p => Assert.Equal(330, p.Request.PromptTokens));
    }

    [Fact]
    public void What_is_no_session_is_refused() =>
        Assert.Throws<JsonException>(() => SessionTrace.Parse("""{"requests":[{"t":1}]}"""u8));

    private static List<(Instant At, FleetRequest Request)> Play(SessionOptions options, int steps)
    {
        var trace = SessionTrace.Parse(Encoding.UTF8.GetBytes(Line.Replace("\n", "", StringComparison.Ordinal)));
        var workload = new SessionWorkload([trace], options, seed: 1);
        var sink = new Sink();
        workload.Start(sink);
        List<(Instant, FleetRequest)> played = [];
        while (played.Count < steps)
        {
            var (at, request) = sink.Take();
            played.Add((at, request));
            workload.Ended(request, at + TimeSpan.FromSeconds(1), sink);
        }

        return played;
    }

    private sealed class Sink : IArrivals
    {
        private readonly PriorityQueue<FleetRequest, long> _queue = new();

        public void Arrive(Instant at, FleetRequest request) => _queue.Enqueue(request, at.Nanoseconds);

        public (Instant At, FleetRequest Request) Take()
        {
            _queue.TryDequeue(out var request, out var at);
            return (new Instant(at), request!);
        }
    }
}
