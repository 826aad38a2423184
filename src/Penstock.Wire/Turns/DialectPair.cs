using System.Buffers;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Errors;

namespace Penstock.Wire.Turns;

/// <summary>
/// A client's dialect and an engine's, and what goes over between them: the request one way, the answer the other.
/// Where both are the same, relay the bytes instead: translation keeps the meaning, not the bytes. Stateless; safe
/// from any thread.
/// </summary>
public sealed class DialectPair
{
    private readonly TurnCodec _client;
    private readonly TurnCodec _engine;

    private DialectPair(Dialect client, Dialect engine)
    {
        Client = client;
        Engine = engine;
        _client = TurnCodec.Of(client);
        _engine = TurnCodec.Of(engine);
    }

    /// <summary>What the client speaks.</summary>
    public Dialect Client { get; }

    /// <summary>What the engine understands.</summary>
    public Dialect Engine { get; }

    public static DialectPair Of(Dialect client, Dialect engine) => new(client, engine);

    /// <summary>Writes the client's request as the engine wants it. A stream is always asked for its usage.</summary>
    /// <param name="body">The client's body, whole.</param>
    /// <param name="settings">What the body does not say.</param>
    /// <param name="output">The engine's body; of no use where there is a failure.</param>
    /// <param name="form">The form in which the client wants its answer.</param>
    /// <returns>Null, or the client's fault with the path of the field.</returns>
    public Failure? TranslateRequest(
        ReadOnlyMemory<byte> body, TranslationSettings settings, IBufferWriter<byte> output, out AnswerForm form)
    {
        var request = _client.ReadRequest(body, out var failure);
        form = request is null ? default : new AnswerForm(request.Stream, request.IncludeUsage);
        return request is null ? failure : _engine.WriteRequest(request, settings, output);
    }

    /// <summary>Writes the engine's whole answer (status 200) as the client expects it.</summary>
    /// <returns>Null, or a failure of the engine's; the output then holds nothing.</returns>
    public Failure? TranslateResponse(
        ReadOnlyMemory<byte> engineBody,
        TranslationSettings settings,
        IBufferWriter<byte> output,
        out TokenUsage usage)
    {
        var response = _engine.ReadResponse(engineBody, out var failure);
        usage = response?.Usage ?? default;
        if (response is not null)
        {
            _client.WriteResponse(response, settings, output);
        }

        return failure;
    }

    /// <summary>
    /// The failure that the engine's answer of another status stands for; write it with <see cref="ErrorBody"/>.
    /// </summary>
    public Failure TranslateError(int status, ReadOnlySpan<byte> engineBody) =>
        EngineError.Read(status, engineBody, Client);

    /// <summary>A translation of one streamed answer.</summary>
    public StreamTranslation Stream(TranslationSettings settings) =>
        new(_engine.StreamReader(Client), _client.StreamWriter(settings));
}
