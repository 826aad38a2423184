using Penstock.Core.Replicas;
using Penstock.Engines.Probing;
using Penstock.Wire.ModelLists;

namespace Penstock.Engines.Adapters;

/// <summary>Any endpoint that speaks OpenAI's API and tells nothing else about itself.</summary>
internal sealed class OpenAiAdapter : EngineAdapter
{
    public override string Name => "openai";

    /// <summary>The list of models is asked for in place of health, and hosted services count requests.</summary>
    public override TimeSpan ProbeIntervalMin => TimeSpan.FromSeconds(10);

    public override bool TellsLoad => false;

    public override async Task<HealthSignal> CheckHealthAsync(
        EngineClient client, EngineEndpoint endpoint, CancellationToken cancel) =>
        HealthPage.ReadStandIn(await client.GetAsync(this, endpoint, "/v1/models", cancel));

    internal override async Task<EngineIdentity?> RecogniseAsync(EngineAnswers answers, CancellationToken cancel)
    {
        var models = ModelList.Parse((await answers.GetAsync(this, "/v1/models", cancel)).OkBody);
        if (models is null || models.IsAnthropic)
        {
            return null;
        }

        var capabilities = await answers.FindAsync(
            this,
            cancel,
            (EngineCapabilities.NativeMessages, "/v1/messages"),
            (EngineCapabilities.CountTokens, "/v1/messages/count_tokens"),
            (EngineCapabilities.NativeChat, "/v1/chat/completions"));
        return new EngineIdentity
        {
            Adapter = this,
            Models = models.ToServed(),
            ContextTokens = models.Cards.FirstOrDefault()?.ContextTokens,
            Simulated = models.SaySimulated(),
            Capabilities = capabilities | EngineCapabilities.NativeChat,
        };
    }
}
