using System.Buffers;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>Chat completions as a codec of turns.</summary>
internal sealed class OpenAiChatCodec : TurnCodec
{
    public static OpenAiChatCodec Instance { get; } = new();

    public override TurnRequest? ReadRequest(ReadOnlyMemory<byte> body, out Failure? failure) =>
        OpenAiChatRequestReader.Read(body, out failure);

    public override Failure? WriteRequest(
        TurnRequest request, TranslationSettings settings, IBufferWriter<byte> output) =>
        OpenAiChatRequestWriter.Write(request, settings, output);

    public override TurnResponse? ReadResponse(ReadOnlyMemory<byte> body, out Failure? failure) =>
        OpenAiChatResponseReader.Read(body, out failure);

    public override void WriteResponse(
        TurnResponse response, TranslationSettings settings, IBufferWriter<byte> output) =>
        OpenAiChatResponseWriter.Write(response, settings, output);

    public override TurnStreamReader StreamReader(Dialect client) => new OpenAiChatStreamReader(client);

    public override TurnStreamWriter StreamWriter(TranslationSettings settings) => new OpenAiChatStreamWriter(settings);
}
