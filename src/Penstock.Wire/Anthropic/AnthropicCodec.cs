using System.Buffers;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>The Messages API as a codec of turns.</summary>
internal sealed class AnthropicCodec : TurnCodec
{
    public static AnthropicCodec Instance { get; } = new();

    public override TurnRequest? ReadRequest(ReadOnlyMemory<byte> body, out Failure? failure) =>
        AnthropicRequestReader.Read(body, out failure);

    public override Failure? WriteRequest(
        TurnRequest request, TranslationSettings settings, IBufferWriter<byte> output) =>
        AnthropicRequestWriter.Write(request, settings, output);

    public override TurnResponse? ReadResponse(ReadOnlyMemory<byte> body, out Failure? failure) =>
        AnthropicResponseReader.Read(body, out failure);

    public override void WriteResponse(
        TurnResponse response, TranslationSettings settings, IBufferWriter<byte> output) =>
        AnthropicResponseWriter.Write(response, settings, output);

    public override TurnStreamReader StreamReader(Dialect client) => new AnthropicStreamReader(client);

    public override TurnStreamWriter StreamWriter(TranslationSettings settings) => new AnthropicStreamWriter(settings);
}
