using System.Buffers;
using Penstock.Core.Models;

namespace Penstock.Gateway.Requests.Relaying;

/// <summary>Turns an engine's stream into one of the client's dialect.</summary>
internal sealed class TranslationFilter(Exchange x, Dialect engine) : StreamFilter
{
    public override void Push(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output) => _ = (x, engine);

    public override void Complete(IBufferWriter<byte> output)
    {
    }
}
