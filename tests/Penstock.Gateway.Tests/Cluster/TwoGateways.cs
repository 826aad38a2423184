using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>Two gateways that know each other, and two engines behind both.</summary>
internal sealed class TwoGateways(RunningGateway first, RunningGateway second, ScriptedEngine[] engines)
    : IAsyncDisposable
{
    public RunningGateway First { get; } = first;

    public RunningGateway Second { get; } = second;

    /// <param name="policy">Of both.</param>
    /// <param name="change">What a test wants otherwise of both.</param>
    /// <param name="changeSecond">What it wants otherwise of the second one alone.</param>
    public static async Task<TwoGateways> StartAsync(
        string policy, Func<PenstockConfig, PenstockConfig>? change = null,
        Func<PenstockConfig, PenstockConfig>? changeSecond = null)
    {
        var engines = Enumerable.Range(0, 2)
            .Select(_ => Personality.Vllm.Start(new EngineFacts { InputTokens = 500 }))
            .ToArray();
        var both = change ?? (d => d);
        var one = changeSecond ?? (d => d);
        var first = await RunningGateway.StartAsync(d => both(With(d, "first", policy)), engines);
        var second = await RunningGateway.StartAsync(d => one(both(With(d, "second", policy))), engines);
        await Acquaintance.MakeAsync(first, second);
        return new TwoGateways(first, second, engines);
    }

    /// <summary>A stream through the first gateway that goes on until it is left, and of which the second one knows.
    /// </summary>
    public async Task<(string Replica, HttpResponseMessage Response)> HoldAsync()
    {
        foreach (var engine in engines)
        {
            var usual = engine.AnswerTo("POST /v1/messages");
            engine.On("POST /v1/messages", r => r.Header("x-endless") is null ? usual(r) : Endless());
        }

        var response = await First.SendAsync(
            Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: true), ("x-endless", "yes"));
        var replica = (await First.DecisionsAsync())[^1].GetProperty("replica").GetString()!;
        await WhenHeardAsync(inFlight: 1);
        return (replica, response);
    }

    /// <summary>Moves both clocks by the pace of the streams until something is so.</summary>
    public Task PassTimeUntilAsync(Func<Task<bool>> holds) => Acquaintance.PassTimeUntilAsync(First, Second, holds);

    /// <summary>Completes once the second gateway knows that the first has so many requests in flight.</summary>
    public Task WhenHeardAsync(int inFlight) => PassTimeUntilAsync(async () =>
        (await Second.AdminAsync("/admin/cluster")).GetProperty("peers").EnumerateArray()
            .Any(p => p.GetProperty("in_flight").GetInt64() == inFlight));

    public async ValueTask DisposeAsync()
    {
        await First.DisposeAsync();
        await Second.DisposeAsync();
        foreach (var engine in engines)
        {
            await engine.DisposeAsync();
        }
    }

    private static Script Endless() =>
        Script.EventsHead().SendChunk(CannedAnswers.MessageEvents(new EngineFacts()).First()).Hang();

    private static PenstockConfig With(PenstockConfig document, string node, string policy) =>
        Acquaintance.WithCluster(document, node) with { Pools = [document.Pools[0] with { Policy = policy }] };
}
