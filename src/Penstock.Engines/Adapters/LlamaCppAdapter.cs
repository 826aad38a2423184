using System.Buffers;
using Penstock.Core.Outcomes;
using Penstock.Core.Prefixes;
using Penstock.Core.Replicas;
using Penstock.Engines.Probing;
using Penstock.Wire.LlamaCpp;
using Penstock.Wire.ModelLists;
using Penstock.Wire.Vllm;

namespace Penstock.Engines.Adapters;

/// <summary>
/// llama.cpp's <c>llama-server</c>. It takes any number of requests and lets them wait for a slot without a word, not
/// even headers, so the gateway must not send it more than <see cref="EngineIdentity.Slots"/> at a time.
/// </summary>
internal sealed class LlamaCppAdapter : EngineAdapter
{
    public override string Name => "llamacpp";

    public override async Task<HealthSignal> CheckHealthAsync(
        EngineClient client, EngineEndpoint endpoint, CancellationToken cancel)
    {
        var answer = await client.GetAsync(this, endpoint, "/health", cancel);
        return answer.IsOk && !LlamaCppHealth.IsWell(answer.Body)
            ? HealthSignal.ProbeFailed
            : HealthPage.Read(answer);
    }

    public override async Task<LoadReport?> ReadLoadAsync(
        EngineClient client, EngineEndpoint endpoint, EngineIdentity identity, CancellationToken cancel)
    {
        if (identity.Can(EngineCapabilities.Metrics))
        {
            var page = await client.GetAsync(this, endpoint, "/metrics", cancel);
            return LlamaCppMetrics.Parse(page.OkBody.Span) is { } told
                ? new LoadReport
                {
                    Running = told.Running,
                    Waiting = told.Deferred,
                    KvUsage = told.KvUsage,
                    KvTokens = identity.KvTokens,
                    PromptTokensTotal = told.ComputedPromptTokens + (told.CachedPromptTokens ?? 0),
                    CachedTokensTotal = told.CachedPromptTokens,
                    GenerationTokensTotal = told.GenerationTokens,
                }
                : null;
        }

        if (!identity.Can(EngineCapabilities.LoadEndpoint))
        {
            return null;
        }

        var answer = await client.GetAsync(this, endpoint, "/slots", cancel);
        return LlamaCppSlots.Parse(answer.OkBody) is { } slots
            ? new LoadReport
            {
                Running = slots.Busy,
                KvUsage = slots.ContextTokens > 0 ? Math.Min(slots.UsedTokens / (double)slots.ContextTokens, 1) : null,
                KvTokens = slots.ContextTokens,
            }
            : null;
    }

    /// <summary>
    /// Some faults of the request come back as 500 <c>server_error</c>: a missing field of <c>/v1/messages</c>, an
    /// image where the model has no eyes. Seen on build 11669. Counted as the engine's they would eject it.
    /// </summary>
    public override EngineVerdict Classify(int status, ReadOnlySpan<byte> body)
    {
        var clientFault = status == 500
            && (StatusTable.Mentions(body, "is required"u8)
                || StatusTable.Mentions(body, "is not supported"u8)
                || StatusTable.Mentions(body, "json.exception"u8)
                || StatusTable.Mentions(body, "input is too large"u8));
        return clientFault
            ? EngineVerdict.ClientFault(FailureKind.InvalidRequest, relayBody: false)
            : base.Classify(status, body);
    }

    public override async Task<bool> ReadPromptAsync(
        EngineClient client, EngineEndpoint endpoint, ReadOnlyMemory<byte> chat, IBufferWriter<uint> ids,
        CancellationToken cancel)
    {
        var text = await client.PostAsync(this, endpoint, "/apply-template", chat, cancel);
        if (!text.IsOk || LlamaCppTemplate.ToTokenize(text.Body) is not { } question)
        {
            return false;
        }

        var answer = await client.PostAsync(this, endpoint, "/tokenize", question, cancel);
        return answer.IsOk && TokenIds.TryRead(answer.Body.Span, ids);
    }

    internal override async Task<EngineIdentity?> RecogniseAsync(EngineAnswers answers, CancellationToken cancel)
    {
        if (LlamaCppProps.Parse((await answers.GetAsync(this, "/props", cancel)).OkBody) is not { } props)
        {
            return null;
        }

        var models = ModelList.Parse((await answers.GetAsync(this, "/v1/models", cancel)).OkBody);
        var capabilities = await answers.FindAsync(
            this,
            cancel,
            (EngineCapabilities.NativeMessages, "/v1/messages"),
            (EngineCapabilities.CountTokens, "/v1/messages/count_tokens"),
            (EngineCapabilities.NativeChat, "/v1/chat/completions"),
            (EngineCapabilities.Tokenize, "/tokenize"));
        return new EngineIdentity
        {
            Adapter = this,
            Version = props.Build,
            Models = models?.ToServed() ?? (props.ModelAlias is { Length: > 0 } name ? [new ServedModel(name)] : []),
            ContextTokens = props.SlotContextTokens ?? models?.Cards.FirstOrDefault()?.ContextTokens,
            Slots = props.Slots,
            KvTokens = props.SlotContextTokens * props.Slots,
            Cache = new CacheShape
            {
                Kind = CacheKind.Slots,
                CapacityTokens = props.SlotContextTokens * props.Slots ?? 0,
                BlockTokens = 1,
                Slots = ServedCache.Few(props.Slots),
                Ranks = 1,
                HasHost = props.KeepsOnHostByDefault,
            },
            Simulated = models?.SaySimulated() ?? false,
            Capabilities = capabilities | EngineCapabilities.CachedTokensInUsage
                | (props.MetricsEnabled ? EngineCapabilities.Metrics : 0)
                | (props.SlotsEnabled ? EngineCapabilities.LoadEndpoint : 0),
        };
    }
}
