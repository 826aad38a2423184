using System.Buffers;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Errors;

namespace Penstock.Gateway.Requests.Relaying;

/// <summary>What a stream goes through on its way to the client.</summary>
internal abstract class StreamFilter : IDisposable
{
    /// <summary>
    /// Takes the engine's next bytes and writes what the client is to get for them, whole events only.
    /// </summary>
    public abstract void Push(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output);

    /// <summary>The engine's stream has ended: writes what is left.</summary>
    public abstract void Complete(IBufferWriter<byte> output);

    /// <summary>The engine broke off: tells the client inside its stream.</summary>
    public abstract void Abort(Failure failure, IBufferWriter<byte> output);

    /// <summary>Gives back what was rented.</summary>
    public virtual void Dispose()
    {
    }
}

/// <summary>
/// Takes the usage chunk out of an OpenAI stream whose client did not ask for it. Everything else passes unchanged;
/// lines are passed on whole.
/// </summary>
internal sealed class UsageChunkFilter : StreamFilter
{
    /// <summary>A longer line is no usage chunk: it is passed on as it comes.</summary>
    private const int LineBytesMax = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _partial = new();
    private bool _passing;
    private bool _dropBlank;

    public override void Push(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        while (true)
        {
            var newline = bytes.IndexOf((byte)'\n');
            if (newline < 0)
            {
                Hold(bytes, output);
                return;
            }

            if (_passing)
            {
                _passing = false;
                output.Write(bytes[..(newline + 1)]);
            }
            else if (_partial.WrittenCount > 0)
            {
                _partial.Write(bytes[..(newline + 1)]);
                PushLine(_partial.WrittenSpan, output);
                _partial.ResetWrittenCount();
            }
            else
            {
                PushLine(bytes[..(newline + 1)], output);
            }

            bytes = bytes[(newline + 1)..];
        }
    }

    public override void Complete(IBufferWriter<byte> output)
    {
        output.Write(_partial.WrittenSpan);
        _partial.ResetWrittenCount();
    }

    public override void Abort(Failure failure, IBufferWriter<byte> output)
    {
        _partial.ResetWrittenCount();
        ErrorBody.WriteStreamEvent(Dialect.OpenAiChat, failure, output);
    }

    /// <summary>Keeps the beginning of a line until the rest is there.</summary>
    private void Hold(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        if (!_passing && _partial.WrittenCount + bytes.Length <= LineBytesMax)
        {
            _partial.Write(bytes);
            return;
        }

        _passing = true;
        output.Write(_partial.WrittenSpan);
        _partial.ResetWrittenCount();
        output.Write(bytes);
    }

    private void PushLine(ReadOnlySpan<byte> line, IBufferWriter<byte> output)
    {
        if (_dropBlank && line.Trim("\r\n"u8).IsEmpty)
        {
            _dropBlank = false;
            return;
        }

        _dropBlank = line.StartsWith("data:"u8)
            && (line.IndexOf("\"usage\":{"u8) >= 0 || line.IndexOf("\"usage\": {"u8) >= 0)
            && (line.IndexOf("\"choices\":[]"u8) >= 0 || line.IndexOf("\"choices\": []"u8) >= 0);
        if (!_dropBlank)
        {
            output.Write(line);
        }
    }
}
