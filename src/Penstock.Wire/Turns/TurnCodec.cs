using System.Buffers;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Anthropic;
using Penstock.Wire.OpenAI;
using Penstock.Wire.Sse;

namespace Penstock.Wire.Turns;

/// <summary>
/// One dialect's readers and writers. A new dialect is one more of these; no code knows pairs of dialects. Stateless.
/// </summary>
internal abstract class TurnCodec
{
    public static TurnCodec Of(Dialect dialect) => dialect switch
    {
        Dialect.Anthropic => AnthropicCodec.Instance,
        _ => OpenAiChatCodec.Instance,
    };

    public abstract TurnRequest? ReadRequest(ReadOnlyMemory<byte> body, out Failure? failure);

    public abstract Failure? WriteRequest(
        TurnRequest request, TranslationSettings settings, IBufferWriter<byte> output);

    public abstract TurnResponse? ReadResponse(ReadOnlyMemory<byte> body, out Failure? failure);

    public abstract void WriteResponse(
        TurnResponse response, TranslationSettings settings, IBufferWriter<byte> output);

    public abstract TurnStreamReader StreamReader(Dialect client);

    public abstract TurnStreamWriter StreamWriter(TranslationSettings settings);
}

/// <summary>Reads one streamed answer: server-sent events in, turn events out. Not thread-safe.</summary>
internal abstract class TurnStreamReader
{
    /// <summary>
    /// True once <see cref="TurnEventKind.End"/> or <see cref="TurnEventKind.Error"/> was handed out.
    /// </summary>
    public bool Ended { get; protected set; }

    /// <summary>Hands what one event says to the sink.</summary>
    /// <exception cref="System.Text.Json.JsonException">The event is not what the dialect allows.</exception>
    public abstract void Read(in SseEvent e, ITurnSink sink);

    /// <summary>The engine closed the stream. Ends the answer where it was complete but for the end mark.</summary>
    public abstract void Complete(ITurnSink sink);
}

/// <summary>Writes one streamed answer: turn events in, bytes out. Not thread-safe.</summary>
internal abstract class TurnStreamWriter : ITurnSink
{
    /// <summary>Where the bytes go; set before events are taken.</summary>
    public IBufferWriter<byte> Output { get; set; } = new ArrayBufferWriter<byte>();

    public abstract void Take(in TurnEvent e);
}
