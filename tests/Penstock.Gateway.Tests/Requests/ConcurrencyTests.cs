using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>Everything at once: whatever happens to each request, the books balance at the end.</summary>
public class ConcurrencyTests
{
    private const int Requests = 200;
    private const int FaultsEach = 4;

    private static readonly string[] Messages = [.. CannedAnswers.MessageEvents(new EngineFacts())];

    private static readonly string[] Routes = ["POST /v1/messages", "POST /v1/chat/completions"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Two_hundred_mixed_requests_leave_nothing_behind(int seed)
    {
        var engines = Enumerable.Range(0, 3).Select(_ => Personality.Vllm.Start()).ToArray();
        await using var gateway = await RunningGateway.StartAsync(engines);
        var random = new Random(seed);
        Array.ForEach(engines, AnswerWithoutEnd);
        await OneAsync(gateway, kind: 0, leaveAfter: 200);
        await OneAsync(gateway, kind: 0, leaveAfter: 20);
        Array.ForEach(engines, e => AddFaults(e, random));
        var plans = Enumerable.Range(0, Requests).Select(_ => (random.Next(4), random.Next(1, 300))).ToArray();
        await Task.WhenAll(plans.Select(p => OneAsync(gateway, p.Item1, p.Item2)));
        var books = await gateway.CloseBooksAsync();
        Assert.Equal(Requests + 2, books.Count);
        Assert.All(books, b => Assert.Equal(
            b.Story.Where(s => !s.EndsWith("no_replica", StringComparison.Ordinal)), b.Booked));
        Assert.All(books, b => Assert.DoesNotContain(b.Booked, s => s.EndsWith("aborted", StringComparison.Ordinal)));
        Assert.Contains(books, b => b.Outcome == "completed");
        Assert.Contains(books, b => b.Outcome == "client_gone");
        foreach (var engine in engines)
        {
            await engine.WhenNoConnectionIsOpenAsync(RunningGateway.Guard);
            await engine.DisposeAsync();
        }
    }

    /// <summary>A kind of request, read to its end or left after so many bytes.</summary>
    private static async Task OneAsync(RunningGateway gateway, int kind, int leaveAfter)
    {
        var dialect = kind % 2 == 0 ? Dialect.Anthropic : Dialect.OpenAiChat;
        var stream = kind < 2;
        var leaves = leaveAfter < 150;
        await using var client = new RawClient(gateway.Url);
        await client.SendAsync(RawClient.Post(
            Bodies.PathOf(dialect), Bodies.Of(dialect, stream), leaves && stream ? "x-endless: yes\r\n" : ""));
        if (leaves)
        {
            await client.TakeAsync(leaveAfter);
            client.Reset();
        }
        else
        {
            Assert.True((await client.ReadAnswerAsync()).Status is 200 or 500 or 503 or 529);
        }
    }

    /// <summary>A request that wants it is answered until its client leaves.</summary>
    private static void AnswerWithoutEnd(ScriptedEngine engine)
    {
        foreach (var route in Routes)
        {
            var usual = engine.AnswerTo(route);
            engine.On(route, r => r.Header("x-endless") is null
                ? usual(r)
                : Script.EventsHead().SendChunk(Messages[0]).Hang());
        }
    }

    /// <summary>The engine fails its first requests, each time in another way.</summary>
    private static void AddFaults(ScriptedEngine engine, Random random)
    {
        foreach (var route in Routes)
        {
            for (var i = 0; i < FaultsEach; i++)
            {
                engine.Once(route, random.Next(5) switch
                {
                    0 => Script.Empty.Reset(),
                    1 => Script.Reply(500, "no", "text/plain"),
                    2 => Script.Reply(529, "full", "text/plain"),
                    3 => Script.EventsHead().SendChunk(Messages[0]).Reset(),
                    _ => Script.Reply(200, "{}").CutAfter(60, new ScriptStep.Close()),
                });
            }
        }
    }
}
