using System.Buffers;
using Penstock.Core.Outcomes;
using Penstock.Wire.Errors;

namespace Penstock.Gateway.Requests.Relaying;

/// <summary>
/// Passes a stream on byte for byte, in whole events: what an engine has not finished yet waits for its end, so that
/// one that breaks off leaves nothing torn before the error that tells of it. Engines write whole events, so this costs
/// nothing until one does not.
/// </summary>
internal sealed class WholeEvents(Exchange x) : StreamFilter
{
    /// <summary>An event longer than this is passed on in pieces.</summary>
    private const int HeldMax = 256 * 1024;

    private BodyBuffer Held => x.Answer;

    public override void Push(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        var end = x.Tap.AtEventEnd ? bytes.Length : LastEventEnd(bytes);
        if (end > 0)
        {
            Complete(output);
            output.Write(bytes[..end]);
        }

        if (end < bytes.Length)
        {
            Held.Write(bytes[end..]);
            if (Held.Length > HeldMax)
            {
                Complete(output);
            }
        }
    }

    public override void Complete(IBufferWriter<byte> output)
    {
        if (Held.Length > 0)
        {
            output.Write(Held.Span);
            Held.Dispose();
        }
    }

    public override void Abort(Failure failure, IBufferWriter<byte> output)
    {
        Held.Dispose();
        ErrorBody.WriteStreamEvent(x.Dialect, failure, output);
    }

    /// <summary>Where the last empty line in the bytes ends; 0 where there is none.</summary>
    private static int LastEventEnd(ReadOnlySpan<byte> bytes)
    {
        var plain = bytes.LastIndexOf("\n\n"u8);
        var carriage = bytes.LastIndexOf("\n\r\n"u8);
        return Math.Max(plain < 0 ? 0 : plain + 2, carriage < 0 ? 0 : carriage + 3);
    }
}
