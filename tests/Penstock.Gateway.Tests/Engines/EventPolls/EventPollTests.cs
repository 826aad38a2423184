using Penstock.Core.Replicas;
using Penstock.Engines;
using Penstock.Engines.EventPolls;
using Penstock.Engines.Probing;
using Penstock.Engines.Watching;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Engines.EventPolls;

/// <summary>The poll on a real socket: what it asks, when, and what becomes of the answers.</summary>
public class EventPollTests
{
    private const string Route = "POST /kv_cache_events";

    [Fact]
    public async Task What_the_engine_collected_arrives_in_order()
    {
        await using var rig = await Rig.StartAsync();
        rig.Facts.Events.Enqueue("""
            {"event_id":0,"data":{"type":"created","num_blocks_per_cache_level":[500,1000]},"window_size":4096}
            """);
        rig.Facts.Events.Enqueue("""
            {"event_id":1,"data":{"type":"stored","parent_hash":null,"blocks":[
            {"block_hash":11,"tokens":[{"token_id":1,"token_extra_id":0},{"token_id":2,"token_extra_id":0}],
            "cache_level":0}]},"window_size":4096}
            """);
        await rig.PollAsync();
        rig.Facts.Events.Enqueue("""{"event_id":2,"data":{"type":"removed","block_hashes":[11]},"window_size":4096}""");
        await rig.PollAsync();
        Assert.Equal(
            [
                "reset 0 Began", "sized 0 w4096 500,1000", "stored 0 w4096 after -: 11[1,2]@0", "removed 0 w4096 11",
            ],
            rig.Sink.Lines);
        Assert.Equal(new EventPollCounts(2, 3, 0, 0, 0), rig.Poll.Counts);
        Assert.All(rig.Engine.To(Route), r => Assert.Empty(r.Body));
    }

    [Fact]
    public async Task A_second_consumer_shows_as_lost_events()
    {
        await using var rig = await Rig.StartAsync();
        rig.Facts.Events.Enqueue(Removed(0));
        await rig.PollAsync();
        rig.Facts.Events.Enqueue(Removed(1));
        rig.Facts.TakeEvents();
        rig.Facts.Events.Enqueue(Removed(2));
        await rig.PollAsync();
        Assert.Contains("lost 0 1", rig.Sink.Lines);
        Assert.Equal(1, rig.Poll.Counts.Lost);
    }

    /// <summary>The events of an answer that breaks off are gone; their numbers are missing afterwards.</summary>
    [Fact]
    public async Task An_answer_that_breaks_off_is_counted_and_shows_as_a_gap()
    {
        await using var rig = await Rig.StartAsync();
        rig.Facts.Events.Enqueue(Removed(0));
        await rig.PollAsync();
        rig.Engine.Once(Route, Script.Reply(200, $"[{Removed(1)},{Removed(2)}]").CutAfter(150, new ScriptStep.Close()));
        await rig.PollAsync();
        rig.Engine.Once(Route, Script.Reply(500, "no", "text/plain"));
        await rig.PollAsync();
        rig.Engine.Once(Route, Script.Reply(200, $"[{Removed(3)},{Removed(4)}"));
        await rig.PollAsync();
        Assert.Equal(
            ["reset 0 Joined", "removed 0 w1 0", "lost 0 2", "removed 0 w1 3", "removed 0 w1 4"], rig.Sink.Lines);
        Assert.Equal(new EventPollCounts(4, 3, 2, 0, 3), rig.Poll.Counts);
    }

    [Fact]
    public async Task The_pace_slows_while_nothing_happens_and_a_request_quickens_it()
    {
        await using var rig = await Rig.StartAsync();
        for (var i = 0; i < 12; i++)
        {
            await rig.PollAsync();
        }

        Assert.Equal(12, rig.Poll.Counts.Questions);
        rig.Poll.AskSoon();
        await rig.Engine.RequestAsync(Route, Wires.Guard, ordinal: 13);
        await rig.Clock.WhenTimerIsDueWithinAsync(EventPace.Shortest * 2, Wires.Guard);
    }

    [Fact]
    public void The_pace_doubles_up_to_a_bound_and_any_event_resets_it()
    {
        var pace = EventPace.Start;
        for (var i = 0; i < 20; i++)
        {
            pace = pace.After(any: false);
        }

        Assert.Equal(EventPace.Longest, pace.Interval);
        Assert.Equal(EventPace.Start, pace.After(any: true));
    }

    [Fact]
    public async Task Another_kind_of_engine_is_never_asked()
    {
        await using var rig = await Rig.StartAsync("sglang");
        for (var i = 0; i < 3; i++)
        {
            await rig.WhenPausedAsync();
            rig.Clock.Advance(EventPace.Shortest);
        }

        Assert.Empty(rig.Engine.To(Route));
    }

    [Fact]
    public async Task While_the_replica_gets_no_requests_the_poll_looks_ever_less_often()
    {
        await using var rig = await Rig.StartAsync();
        rig.Watch.SetDraining(true);
        for (var i = 0; i < 12; i++)
        {
            await rig.WhenPausedAsync();
            rig.Clock.Advance(rig.Clock.NextDue ?? TimeSpan.Zero);
        }

        await rig.WhenPausedAsync();
        Assert.InRange(rig.Clock.NextDue!.Value, EventPace.Longest * 0.99, EventPace.Longest);
        Assert.Empty(rig.Engine.To(Route));
    }

    private static string Removed(int id) =>
        $$"""{"event_id":{{id}},"data":{"type":"removed","block_hashes":[{{id}}]},"window_size":1}""";

    /// <summary>An engine, its watch, and a poll of it, on a clock that stands still.</summary>
    private sealed class Rig : IAsyncDisposable
    {
        private readonly EngineClient _client;
        private int _polls;

        private Rig(string kind)
        {
            Engine = Wires.Kind(kind).Start(Facts);
            _client = Wires.Client(Clock);
            var thresholds = HealthThresholds.Default with { ProbeInterval = TimeSpan.FromDays(1) };
            var replica = new WatchedReplica("r1", new EngineEndpoint(Engine.Url), "auto", thresholds);
            Watch = new ReplicaWatch(replica, _client, Listener, Clock);
            Poll = new EventPoll(Watch, Sink, Clock);
        }

        public EngineFacts Facts { get; } = new();

        public ManualClock Clock { get; } = new();

        public RecordingSink Sink { get; } = new();

        public ScriptedEngine Engine { get; }

        public EventPoll Poll { get; }

        public ReplicaWatch Watch { get; }

        private RecordingListener Listener { get; } = new();

        public static async Task<Rig> StartAsync(string kind = "trtllm")
        {
            var rig = new Rig(kind);
            rig.Watch.Start();
            Assert.Equal(HealthStatus.Healthy, await rig.Listener.NextStatusAsync());
            rig.Poll.Start();
            return rig;
        }

        /// <summary>One question and what follows from its answer.</summary>
        public async Task PollAsync()
        {
            await WhenPausedAsync();
            Clock.Advance(Clock.NextDue ?? TimeSpan.Zero);
            await Engine.RequestAsync(Route, Wires.Guard, ++_polls);
            await WhenPausedAsync();
        }

        /// <summary>The only timer that is due so soon is that of the pause: a question has longer.</summary>
        public Task WhenPausedAsync() => Clock.WhenTimerIsDueWithinAsync(EventPace.Longest, Wires.Guard);

        public async ValueTask DisposeAsync()
        {
            await Poll.DisposeAsync();
            await Watch.DisposeAsync();
            _client.Dispose();
            await Engine.DisposeAsync();
        }
    }
}
