using System.Buffers;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Gateway.Requests.Relaying;

/// <summary>Turns an engine's stream into one of the client's dialect.</summary>
internal sealed class TranslationFilter(StreamTranslation translation) : StreamFilter
{
    private bool _complete;

    public override void Push(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output) =>
        translation.Push(bytes, output);

    public override void Complete(IBufferWriter<byte> output)
    {
        if (!_complete)
        {
            _complete = true;
            translation.Complete(output);
        }
    }

    public override void Abort(Failure failure, IBufferWriter<byte> output) => translation.Abort(failure, output);

    public override void Dispose()
    {
        translation.Dispose();
        base.Dispose();
    }
}
