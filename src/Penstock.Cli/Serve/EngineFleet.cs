using System.Collections.Immutable;
using Penstock.Core.Config;
using Penstock.Engines;
using Penstock.Engines.Probing;

namespace Penstock.Cli.Serve;

/// <summary>What was found at one address of the command line.</summary>
/// <param name="Url">The address as given.</param>
/// <param name="Identity">What runs there; null: nothing that is known.</param>
/// <param name="Reason">Why nothing was found.</param>
internal sealed record FoundEngine(Uri Url, EngineIdentity? Identity, string? Reason);

/// <summary>The fleet behind <c>serve --engine URL …</c>: what runs where is found out by asking.</summary>
internal static class EngineFleet
{
    private const int TriesMax = 3;

    /// <summary>Asks all addresses at once.</summary>
    public static async Task<ImmutableArray<FoundEngine>> ProbeAsync(
        ImmutableArray<Uri> urls, TimeProvider time, CancellationToken stop)
    {
        using var client = new EngineClient(time);
        var found = await Task.WhenAll(urls.Select(async url =>
        {
            var result = await AskAsync(client, new EngineEndpoint(url), stop);
            return new FoundEngine(url, result.Identity, result.Reason);
        }));
        return [.. found];
    }

    /// <summary>
    /// The document for what was found: one pool for each model and kind of engine. Engines that are not there yet are
    /// put into the first pool and come into use when they answer.
    /// </summary>
    public static PenstockConfig Describe(ImmutableArray<FoundEngine> found, KeyConfig key, bool strict)
    {
        var served = found
            .Where(f => f.Identity is not null)
            .SelectMany(f => f.Identity!.Models.Select(m => (Engine: f, Model: m)))
            .ToArray();
        var late = found.Where(f => f.Identity is null).Select(f => new ReplicaConfig { Url = f.Url });
        PoolConfig[] pools =
        [
            .. served
                .GroupBy(s => (s.Model.Id, s.Engine.Identity!.Adapter.Name))
                .Select(g => PoolOf(g.Key.Id, g.Key.Name, [.. g.Select(s => s.Engine)])),
        ];
        pools[0] = pools[0] with { Replicas = [.. pools[0].Replicas, .. late] };
        return new PenstockConfig
        {
            Models = [.. served.GroupBy(s => s.Model.Id).Select(g => ModelOf(g.First().Model))],
            DefaultModel = served[0].Model.Id,
            StrictModels = strict,
            Pools = [.. pools],
            Keys = [key],
        };
    }

    /// <summary>A busy engine that is late with a page could be taken for another kind, which would then be
    /// configured.</summary>
    private static async Task<ProbeResult> AskAsync(
        EngineClient client, EngineEndpoint endpoint, CancellationToken stop)
    {
        var result = await EngineProbe.IdentifyAsync(client, endpoint, null, stop);
        for (var tries = 1; tries < TriesMax && result is { Identity: not null, Missing: not null }; tries++)
        {
            result = await EngineProbe.IdentifyAsync(client, endpoint, null, stop);
        }

        return result;
    }

    private static ModelConfig ModelOf(ServedModel model) => new()
    {
        Id = model.Id,
        DisplayName = model.DisplayName,
        ContextWindow = model.ContextTokens is > 0 ? model.ContextTokens : null,
    };

    private static PoolConfig PoolOf(string model, string engine, ImmutableArray<FoundEngine> engines) => new()
    {
        Name = $"{engine}/{model}",
        Model = model,
        Engine = engine,
        UpstreamModel = model,
        Simulated = engines.All(e => e.Identity!.Simulated),
        Replicas = [.. engines.Select(e => new ReplicaConfig { Url = e.Url })],
    };
}
