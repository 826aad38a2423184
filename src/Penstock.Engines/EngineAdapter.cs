using System.Buffers;
using System.Collections.Immutable;
using System.Net.Http.Headers;
using Penstock.Core.Replicas;
using Penstock.Engines.Probing;
using Penstock.Wire.Vllm;

namespace Penstock.Engines;

/// <summary>How an engine wants its credential.</summary>
public enum AuthForm
{
    /// <summary><c>Authorization: Bearer KEY</c>.</summary>
    Bearer,

    /// <summary><c>x-api-key: KEY</c>.</summary>
    XApiKey,
}

/// <summary>
/// Everything that is peculiar to one kind of engine: how it is recognised, asked for health and load, addressed, and
/// how its refusals are to be read. Stateless; one instance per kind, safe from any thread. No method throws for what
/// an engine may do; only cancellation by the caller surfaces as an exception.
/// </summary>
public abstract class EngineAdapter
{
    /// <summary>The name used in configuration, such as <c>vllm</c>.</summary>
    public abstract string Name { get; }

    public virtual AuthForm Auth => AuthForm.Bearer;

    /// <summary>Headers that every request must carry unless the client sent its own.</summary>
    public virtual ImmutableArray<KeyValuePair<string, string>> RequiredHeaders => [];

    /// <summary>The shortest time between health probes, where the engine counts them against a limit.</summary>
    public virtual TimeSpan ProbeIntervalMin => TimeSpan.Zero;

    /// <summary>True where <see cref="ReadLoadAsync"/> can ever tell something.</summary>
    public virtual bool TellsLoad => true;

    /// <summary>How long an answer about load may take; what comes later is of no use.</summary>
    public virtual TimeSpan LoadTimeout => TimeSpan.FromSeconds(1);

    /// <summary>The engine's path for an operation; null where it cannot do it.</summary>
    public virtual string? PathOf(EngineOperation operation, EngineCapabilities capabilities)
    {
        var (needed, path) = operation switch
        {
            EngineOperation.Messages => (EngineCapabilities.NativeMessages, "/v1/messages"),
            EngineOperation.ChatCompletions => (EngineCapabilities.NativeChat, "/v1/chat/completions"),
            EngineOperation.CountTokens => (EngineCapabilities.CountTokens, "/v1/messages/count_tokens"),
            EngineOperation.Tokenize => (EngineCapabilities.Tokenize, "/tokenize"),
            _ => (EngineCapabilities.None, "/v1/models"),
        };
        return (capabilities & needed) == needed ? path : null;
    }

    /// <summary>The form in which this key goes to the engine.</summary>
    protected virtual AuthForm FormOf(string key) => Auth;

    /// <summary>
    /// The header that carries the credential, in the form that this engine wants; null without a key.
    /// </summary>
    public KeyValuePair<string, string>? Credential(string? key) =>
        key is null ? null
        : FormOf(key) == AuthForm.XApiKey ? new("x-api-key", key)
        : new("authorization", $"Bearer {key}");

    /// <summary>Puts the credential on a request, in the form that this engine wants.</summary>
    public void Authorize(HttpRequestHeaders headers, string? key)
    {
        if (Credential(key) is { } credential)
        {
            headers.TryAddWithoutValidation(credential.Key, credential.Value);
        }
    }

    /// <summary>What the engine is, or null where it is not of this kind or does not answer.</summary>
    public Task<EngineIdentity?> ProbeAsync(
        EngineClient client, EngineEndpoint endpoint, CancellationToken cancel) =>
        RecogniseAsync(new EngineAnswers(client, endpoint), cancel);

    /// <summary>One look at the engine's health.</summary>
    public abstract Task<HealthSignal> CheckHealthAsync(
        EngineClient client, EngineEndpoint endpoint, CancellationToken cancel);

    /// <summary>The engine's load from its cheapest source; null where it tells none or is silent.</summary>
    public virtual Task<LoadReport?> ReadLoadAsync(
        EngineClient client, EngineEndpoint endpoint, EngineIdentity identity, CancellationToken cancel) =>
        Task.FromResult<LoadReport?>(null);

    /// <summary>The token ids of the prompt that a chat would have, added to <paramref name="ids"/>; false where the
    /// engine does not tell in time.</summary>
    /// <param name="client">Asks; its limits bound the answer.</param>
    /// <param name="endpoint">Where the engine is.</param>
    /// <param name="chat">The body of a chat completion, as it would be sent.</param>
    /// <param name="ids">Takes the ids.</param>
    /// <param name="cancel">Ends the wait.</param>
    public virtual async Task<bool> ReadPromptAsync(
        EngineClient client, EngineEndpoint endpoint, ReadOnlyMemory<byte> chat, IBufferWriter<uint> ids,
        CancellationToken cancel)
    {
        var answer = await client.PostAsync(this, endpoint, "/tokenize", chat, cancel);
        return answer.IsOk && TokenIds.TryRead(answer.Body.Span, ids);
    }

    /// <summary>What follows from an answer with this status.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="body">The beginning of the body, as far as it was read; may be empty.</param>
    public virtual EngineVerdict Classify(int status, ReadOnlySpan<byte> body) => StatusTable.Read(status, body);

    /// <summary>What the engine is, from answers that are shared by all adapters of one probe.</summary>
    internal abstract Task<EngineIdentity?> RecogniseAsync(EngineAnswers answers, CancellationToken cancel);

    public override string ToString() => Name;
}
