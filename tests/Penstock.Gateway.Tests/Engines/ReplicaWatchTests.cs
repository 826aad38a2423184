using Penstock.Core.Replicas;
using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Engines.Watching;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>The loop around health and load, on a clock that only the test moves.</summary>
public class ReplicaWatchTests
{
    private static readonly HealthThresholds Limits = HealthThresholds.Default;

    public static TheoryData<string> Kinds => Wires.Kinds;

    [Theory, MemberData(nameof(Kinds))]
    public async Task Health_flips_with_hysteresis_and_comes_back(string kind)
    {
        var facts = new EngineFacts();
        await using var engine = Wires.Kind(kind).Start(facts);
        var clock = new ManualClock();
        using var client = Wires.Client();
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, clock);
        watch.Start();
        Assert.Equal(HealthStatus.Healthy, await listener.NextStatusAsync());
        Assert.Equal(kind, (await listener.NextIdentityAsync()).Adapter.Name);

        facts.Healthy = false;
        await clock.AdvanceToNextTimerAsync(Wires.Guard);
        Assert.Equal(HealthStatus.Suspect, await listener.NextStatusAsync());
        Assert.True(watch.Health.IsRoutable);
        await clock.AdvanceToNextTimerAsync(Wires.Guard);
        await clock.AdvanceToNextTimerAsync(Wires.Guard);
        Assert.Equal(HealthStatus.Unhealthy, await listener.NextStatusAsync());
        Assert.False(watch.Health.IsRoutable);

        facts.Healthy = true;
        await clock.AdvanceToNextTimerAsync(Wires.Guard);
        Assert.Equal(HealthStatus.Recovering, await listener.NextStatusAsync());
        await clock.AdvanceToNextTimerAsync(Wires.Guard);
        await clock.AdvanceToNextTimerAsync(Wires.Guard);
        Assert.Equal(HealthStatus.Healthy, await listener.NextStatusAsync());
    }

    [Fact]
    public async Task An_engine_that_comes_back_as_another_is_recognised_anew()
    {
        var facts = new EngineFacts { Model = "old" };
        await using var engine = Personality.Vllm.Start(facts);
        var clock = new ManualClock();
        using var client = Wires.Client();
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, clock);
        watch.Start();
        Assert.Equal("old", (await listener.NextIdentityAsync()).Models[0].Id);
        watch.Observe(HealthSignal.ConnectFailed);
        watch.Observe(HealthSignal.ConnectFailed);
        Assert.False(watch.Health.IsRoutable);
        facts.Model = "new";
        await clock.AdvanceToNextTimerAsync(Wires.Guard);
        Assert.Equal("new", (await listener.NextIdentityAsync()).Models[0].Id);
    }

    /// <summary>A busy engine is late with this or that, and would be taken for another one, or for one that can do
    /// less.</summary>
    [Theory]
    [InlineData("GET /metrics")]
    [InlineData("POST /v1/messages")]
    [InlineData("POST /tokenize")]
    public async Task An_engine_that_is_late_with_a_page_is_not_known_before_the_page_comes(string late)
    {
        await using var engine = Personality.Vllm.Start(new EngineFacts { OwnedBy = "somebody" });
        engine.Once(late, Script.Empty.Hang());
        engine.Once(late, Script.Empty.Hang());
        var (calls, clock) = (new ManualClock(), new ManualClock());
        using var client = Wires.Client(calls);
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, clock);
        watch.Start();
        var found = await Wires.PassTimeAsync(engine, calls, listener.NextIdentityAsync().AsTask(), clock);
        Assert.True(engine.To(late).Count() > 2);
        Assert.Equal("vllm", found.Adapter.Name);
        Assert.True(found.Can(
            EngineCapabilities.NativeMessages | EngineCapabilities.NativeChat | EngineCapabilities.Tokenize
            | EngineCapabilities.Metrics));
        Assert.Equal(HealthStatus.Suspect, await listener.NextStatusAsync());
    }

    [Fact]
    public async Task An_engine_that_stays_late_with_a_page_is_taken_as_it_shows_itself_and_looked_at_again()
    {
        await using var engine = Personality.Vllm.Start(new EngineFacts { OwnedBy = "somebody" });
        var usual = engine.AnswerTo("GET /metrics");
        engine.On("GET /metrics", Script.Empty.Hang());
        var (calls, clock) = (new ManualClock(), new ManualClock());
        using var client = Wires.Client(calls);
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, clock);
        watch.Start();
        var first = await Wires.PassTimeAsync(engine, calls, listener.NextIdentityAsync().AsTask(), clock);
        Assert.Equal("openai", first.Adapter.Name);
        Assert.True(engine.To("GET /metrics").Count() >= 3);
        Assert.True(watch.Health.IsRoutable);
        engine.On("GET /metrics", usual);
        var second = await Wires.PassTimeAsync(engine, calls, listener.NextIdentityAsync().AsTask(), clock);
        Assert.Equal("vllm", second.Adapter.Name);
    }

    [Fact]
    public async Task An_engine_that_is_late_with_all_that_takes_requests_is_never_taken_for_one_that_takes_none()
    {
        await using var engine = Personality.Vllm.Start();
        engine.On("POST /v1/messages", Script.Empty.Hang()).On("POST /v1/chat/completions", Script.Empty.Hang());
        var (calls, clock) = (new ManualClock(), new ManualClock());
        using var client = Wires.Client(calls);
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, clock);
        watch.Start();
        await Wires.PassTimeAsync(
            engine, calls, engine.RequestAsync("POST /v1/messages", Wires.Guard, ordinal: 5), clock);
        Assert.Null(watch.Identity);
        Assert.False(watch.Health.IsRoutable);
        Personality.Vllm.Install(engine, new EngineFacts());
        var found = await Wires.PassTimeAsync(engine, calls, listener.NextIdentityAsync().AsTask(), clock);
        Assert.True(found.Can(EngineCapabilities.NativeMessages | EngineCapabilities.NativeChat));
    }

    [Fact]
    public async Task An_ejection_by_requests_is_not_undone_before_its_delay()
    {
        await using var engine = Personality.Vllm.Start();
        var clock = new ManualClock();
        using var client = Wires.Client();
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, clock);
        watch.Start();
        Assert.Equal(HealthStatus.Healthy, await listener.NextStatusAsync());
        await clock.WhenTimersWaitAsync(1, Wires.Guard);
        var ejectedAt = listener.LastChangeAt;
        for (var i = 0; i < Limits.RequestFailuresMax; i++)
        {
            watch.Observe(HealthSignal.RequestFailed);
        }

        Assert.Equal(HealthStatus.Suspect, await listener.NextStatusAsync());
        Assert.Equal(HealthStatus.Unhealthy, await listener.NextStatusAsync());

        // The watch has taken notice once it waits for the sooner probe of an ejected replica.
        await clock.WhenTimerIsDueWithinAsync(Limits.ReprobeDelay * 1.2, Wires.Guard);
        clock.Advance(Limits.ProbeInterval);
        Assert.Equal(HealthStatus.Recovering, await listener.NextStatusAsync());
        Assert.True(listener.LastChangeAt - ejectedAt >= Limits.ReprobeDelay * 0.8);
    }

    [Fact]
    public async Task Load_is_asked_for_at_a_pace_that_follows_the_work()
    {
        var facts = new EngineFacts { Running = 2 };
        await using var engine = Personality.Sglang.Start(facts);
        var clock = new ManualClock();
        using var client = Wires.Client();
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, clock);
        await using var load = new LoadWatch(watch, clock);
        watch.Start();
        await listener.NextStatusAsync();
        load.Start();
        clock.Advance(LoadPace.Shortest);
        Assert.Equal(2, (await listener.NextLoadAsync())!.Running);
        facts.Running = 0;
        await clock.WhenTimersWaitAsync(2, Wires.Guard);
        clock.Advance(LoadPace.Shortest);
        Assert.True((await listener.NextLoadAsync())!.IsIdle);
    }

    [Fact]
    public async Task A_request_that_ends_where_others_waited_has_the_load_read_again_but_not_at_once()
    {
        var facts = new EngineFacts { Running = 2, Waiting = 3 };
        await using var engine = Personality.Sglang.Start(facts);
        var clock = new ManualClock();
        using var client = Wires.Client();
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, clock);
        await using var load = new LoadWatch(watch, clock);
        watch.Start();
        await listener.NextStatusAsync();
        load.Start();
        clock.Advance(LoadPace.Shortest);
        Assert.Equal(3, (await listener.NextLoadAsync())!.Waiting);

        await clock.WhenTimersWaitAsync(2, Wires.Guard);
        Assert.False(load.IsStale);

        facts.Waiting = 0;
        clock.Advance(LoadPace.Soonest * 1.01);
        Assert.True(load.IsStale);
        load.AskSoon();
        Assert.Equal(0, (await listener.NextLoadAsync())!.Waiting);

        // Nobody waits and it is not idle: what was told stands until it is due.
        await clock.WhenTimersWaitAsync(2, Wires.Guard);
        clock.Advance(LoadPace.Soonest * 1.01);
        Assert.False(load.IsStale);
    }

    [Fact]
    public async Task A_request_that_ends_at_a_replica_taken_for_idle_has_its_load_read()
    {
        await using var engine = Personality.Sglang.Start(new EngineFacts());
        var clock = new ManualClock();
        using var client = Wires.Client();
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, clock);
        await using var load = new LoadWatch(watch, clock);
        watch.Start();
        await listener.NextStatusAsync();
        load.Start();
        clock.Advance(LoadPace.Shortest);
        Assert.True((await listener.NextLoadAsync())!.IsIdle);
        await clock.WhenTimersWaitAsync(2, Wires.Guard);
        clock.Advance(LoadPace.Soonest * 1.01);
        load.AskSoon();
        Assert.True((await listener.NextLoadAsync())!.IsIdle);
    }

    [Fact]
    public void The_pace_slows_while_idle_or_silent_and_recovers_at_once()
    {
        var pace = LoadPace.Start;
        for (var i = 0; i < 10; i++)
        {
            pace = pace.After(i % 2 == 0 ? null : new LoadReport { Running = 0, Waiting = 0 });
        }

        Assert.Equal(LoadPace.Longest, pace.Interval);
        Assert.Equal(LoadPace.Shortest, pace.After(new LoadReport { Running = 1 }).Interval);
    }

    [Fact]
    public async Task Draining_is_told_and_survives_probes()
    {
        await using var engine = Personality.Vllm.Start();
        var clock = new ManualClock();
        using var client = Wires.Client();
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, clock);
        watch.SetDraining(true);
        Assert.Equal(HealthStatus.Unknown, await listener.NextStatusAsync());
        watch.Start();
        Assert.Equal(HealthStatus.Healthy, await listener.NextStatusAsync());
        Assert.False(watch.Health.IsRoutable);
    }

    [Fact]
    public async Task The_belief_is_told_again_on_request()
    {
        await using var engine = Personality.Vllm.Start();
        using var client = Wires.Client();
        var listener = new RecordingListener();
        await using var watch = Watch(engine, client, listener, new ManualClock());
        watch.Repeat();
        Assert.Equal(HealthStatus.Unknown, await listener.NextStatusAsync());
        watch.Start();
        Assert.Equal(HealthStatus.Healthy, await listener.NextStatusAsync());
        watch.Repeat();
        Assert.Equal(HealthStatus.Healthy, await listener.NextStatusAsync());
    }

    [Fact]
    public async Task Dispose_ends_a_probe_under_way_and_leaves_nothing_open()
    {
        var gate = new Gate();
        await using var engine = new ScriptedEngine { Otherwise = _ => Script.Empty.Pass(gate) };
        using var client = Wires.Client();
        var watch = Watch(engine, client, new RecordingListener(), new ManualClock());
        watch.Start();
        await gate.Reached.WaitAsync(Wires.Guard);
        await watch.DisposeAsync();
        await engine.WhenNoConnectionIsOpenAsync(Wires.Guard);
    }

    [Fact]
    public async Task A_bug_in_an_adapter_is_told_and_does_not_end_the_watch()
    {
        await using var engine = new ScriptedEngine();
        var clock = new ManualClock();
        using var client = Wires.Client();
        var listener = new RecordingListener();
        var known = new EngineIdentity { Adapter = new BuggyAdapter() };
        var replica = new WatchedReplica("r1", new EngineEndpoint(engine.Url), "auto", Limits);
        await using var watch = new ReplicaWatch(replica, client, listener, clock, known);
        watch.Start();
        Assert.Equal("bug", (await listener.NextFaultAsync()).Message);
        Assert.Equal(HealthStatus.Suspect, await listener.NextStatusAsync());
        await clock.AdvanceToNextTimerAsync(Wires.Guard);
        Assert.Equal("bug", (await listener.NextFaultAsync()).Message);
    }

    private static ReplicaWatch Watch(
        ScriptedEngine engine, EngineClient client, RecordingListener listener, ManualClock clock) =>
        new(new WatchedReplica("r1", new EngineEndpoint(engine.Url), "auto", Limits), client, listener, clock);

    private sealed class BuggyAdapter : EngineAdapter
    {
        public override string Name => "buggy";

        public override Task<HealthSignal> CheckHealthAsync(
            EngineClient client, EngineEndpoint endpoint, CancellationToken cancel) =>
            throw new InvalidOperationException("bug");

        internal override Task<EngineIdentity?> RecogniseAsync(EngineAnswers answers, CancellationToken cancel) =>
            throw new InvalidOperationException("bug");
    }
}
