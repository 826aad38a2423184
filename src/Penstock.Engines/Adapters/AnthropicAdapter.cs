using System.Collections.Immutable;
using Penstock.Core.Replicas;
using Penstock.Engines.Probing;
using Penstock.Wire.ModelLists;

namespace Penstock.Engines.Adapters;

/// <summary>
/// The Anthropic API, or a gateway that stands for it. It has no health page: the list of models is asked for now
/// and then, and the rest is learned from the requests themselves.
/// </summary>
internal sealed class AnthropicAdapter : EngineAdapter
{
    public override string Name => "anthropic";

    public override AuthForm Auth => AuthForm.XApiKey;

    public override ImmutableArray<KeyValuePair<string, string>> RequiredHeaders { get; } =
        [KeyValuePair.Create("anthropic-version", "2023-06-01")];

    public override TimeSpan ProbeIntervalMin => TimeSpan.FromSeconds(30);

    public override bool TellsLoad => false;

    /// <summary>OAuth tokens go as Bearer, keys as <c>x-api-key</c>; the prefix tells them apart.</summary>
    protected override AuthForm FormOf(string key) =>
        key.StartsWith("sk-ant-oat", StringComparison.Ordinal) ? AuthForm.Bearer : AuthForm.XApiKey;

    public override async Task<HealthSignal> CheckHealthAsync(
        EngineClient client, EngineEndpoint endpoint, CancellationToken cancel) =>
        HealthPage.ReadStandIn(await client.GetAsync(this, endpoint, "/v1/models?limit=1", cancel));

    internal override async Task<EngineIdentity?> RecogniseAsync(EngineAnswers answers, CancellationToken cancel)
    {
        var models = ModelList.Parse((await answers.GetAsync(this, "/v1/models?limit=1000", cancel)).OkBody);
        return models is not { IsAnthropic: true } ? null : new EngineIdentity
        {
            Adapter = this,
            Models = models.ToServed(),
            Capabilities = EngineCapabilities.NativeMessages | EngineCapabilities.CountTokens
                | EngineCapabilities.CachedTokensInUsage,
            Simulated = models.SaySimulated(),
        };
    }
}
