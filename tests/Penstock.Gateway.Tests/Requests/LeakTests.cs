using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Core.Routing;
using Penstock.Gateway.Configuration;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>Whatever comes together, nothing that was counted for a request stays counted when it is over.</summary>
public sealed class LeakTests
{
    private const int Requests = 160;
    private const int AtATime = 12;
    private const int Reloads = 12;
    private const int Engines = 6;

    private static readonly string[] Messages = [.. CannedAnswers.MessageEvents(new EngineFacts())];

    private readonly Lock _lock = new();
    private Random _random = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Nothing_stays_in_flight_after_any_mix_of_faults_departures_and_reloads(int seed)
    {
        _random = new Random(seed);
        var engines = Enumerable.Range(0, Engines).Select(_ => Personality.Vllm.Start()).ToArray();
        await using var gateway = await RunningGateway.StartAsync(
            d => d with
            {
                Routing = d.Routing with { PrefixBlocksMax = 512, AttemptsMax = 3 },
                Pools = [Pool("penstock", engines[..3])],
            },
            engines[..3]);
        await EndInEveryWayAsync(gateway, engines[..3]);
        Array.ForEach(engines, Disturb);
        var plans = Enumerable.Range(0, Requests).Select(_ => (Next(4), Next(5), Next(300))).ToArray();
        var over = 0;
        var serving = Parallel.ForEachAsync(
            plans, new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (plan, _) =>
            {
                await OneAsync(gateway, plan.Item1, plan.Item2, plan.Item3);
                Interlocked.Increment(ref over);
            });
        for (var reloads = 0; !serving.IsCompleted;)
        {
            gateway.Clock.Advance(TimeSpan.FromSeconds(1));
            await gateway.AdminAsync("/admin/config");
            if (Volatile.Read(ref over) > reloads * Requests / Reloads)
            {
                Reload(gateway, engines);
                if (++reloads == Reloads / 2)
                {
                    await engines[^1].DisposeAsync();
                }
            }
        }

        await serving;
        var books = await gateway.CloseBooksAsync();
        Assert.All(books, b => Assert.Equal(b.Story.Where(IsBooked), b.Booked));
        Assert.All(books, b => Assert.All(b.Entries, e => Assert.NotNull(e.Settlement)));
        var stories = books.SelectMany(b => b.Booked).Select(s => s.Split(' ')[^1]).Distinct().Order().ToArray();
        Assert.DoesNotContain("aborted", stories);
        Assert.Contains("completed", stories);
        Assert.InRange(stories.Length, 4, int.MaxValue);
        foreach (var engine in engines[..^1])
        {
            await engine.WhenNoConnectionIsOpenAsync(RunningGateway.Guard);
            await engine.DisposeAsync();
        }
    }

    /// <summary>Where there is no replica, nothing is sent, and nothing is booked.</summary>
    private static bool IsBooked(string attempt) => !attempt.EndsWith("no_replica", StringComparison.Ordinal);

    private int Next(int below)
    {
        lock (_lock)
        {
            return _random.Next(below);
        }
    }

    /// <summary>Some of the engines, in any order, under any policy.</summary>
    private void Reload(RunningGateway gateway, ScriptedEngine[] engines)
    {
        var policy = RoutePolicies.Names[Next(RoutePolicies.Names.Length)];
        var chosen = engines.OrderBy(_ => Next(1_000)).Take(1 + Next(4)).ToArray();
        var pool = Pool(policy, engines);
        var urls = chosen.Select(e => e.Url).ToHashSet();
        Assert.Empty(gateway.Source.Apply(
            gateway.Source.Document with
            {
                Pools = [pool with { Replicas = [.. pool.Replicas.Where(r => urls.Contains(r.Url!))] }],
            },
            SecretValues.None));
    }

    private static PoolConfig Pool(string policy, ScriptedEngine[] engines) =>
        RunningGateway.Pool("main", engines) with { Policy = policy };

    /// <summary>A kind of request of one of a few conversations, read to its end or left after so many bytes.</summary>
    private static async Task OneAsync(RunningGateway gateway, int kind, int conversation, int leaveAfter)
    {
        var dialect = kind % 2 == 0 ? Dialect.Anthropic : Dialect.OpenAiChat;
        var body = Bodies.Of(dialect, stream: kind < 2).Replace(
            "Say hello", string.Concat(Enumerable.Repeat($"Say hello {conversation}. ", 200)));
        await using var client = new RawClient(gateway.Url);
        await client.SendAsync(RawClient.Post(Bodies.PathOf(dialect), body));
        if (leaveAfter < 100)
        {
            await client.TakeAsync(leaveAfter);
            client.Reset();
        }
        else
        {
            await client.ReadAnswerAsync();
        }
    }

    /// <summary>One request after the other: what chance brings later, there was once for certain.</summary>
    private static async Task EndInEveryWayAsync(RunningGateway gateway, ScriptedEngine[] engines)
    {
        const string Route = "POST /v1/messages";
        var usual = engines.Select(e => e.AnswerTo(Route)).ToArray();
        foreach (var (fate, leaveAfter) in new[]
        {
            (Script.Empty.Reset(), 300),
            (Script.Reply(529, "full", "text/plain"), 300),
            (Script.EventsHead().SendChunk(Messages[0]).Hang(), 50),
        })
        {
            Array.ForEach(engines, e => e.On(Route, fate));
            await OneAsync(gateway, kind: 0, conversation: 0, leaveAfter);
            for (var i = 0; i < engines.Length; i++)
            {
                engines[i].On(Route, usual[i]);
            }
        }

        await OneAsync(gateway, kind: 0, conversation: 0, leaveAfter: 300);
    }

    /// <summary>From now on each request to the engine has its own fate.</summary>
    private void Disturb(ScriptedEngine engine)
    {
        foreach (var route in new[] { "POST /v1/messages", "POST /v1/chat/completions" })
        {
            var usual = engine.AnswerTo(route);
            engine.On(route, r => r.Body.Length < 1_000 ? usual(r) : Next(12) switch
            {
                0 => Script.Empty.Reset(),
                1 => Script.Reply(500, "no", "text/plain"),
                2 => Script.Reply(529, "full", "text/plain"),
                3 => Script.Empty.Hang(),
                4 => Script.EventsHead().SendChunk(Messages[0]).Hang(),
                5 => Script.EventsHead().SendChunk(Messages[0]).Reset(),
                6 => Script.Reply(200, "{}").CutAfter(60, new ScriptStep.Close()),
                _ => usual(r),
            });
        }
    }
}
