using System.Buffers;
using Penstock.Core.Metering;
using Penstock.Core.Models;

namespace Penstock.Wire.Usage;

/// <summary>
/// Watches the bytes of an event stream go by, without changing or delaying them: whether an answer has begun, how
/// many events there were, the usage that the engine reports, and whether the stream came to its proper end.
/// </summary>
/// <remarks>
/// Only lines that name a thing of interest are parsed; the others cost one vectorised search. A line that is split
/// over reads is kept until it is whole, up to <see cref="LineBytesMax"/>. Not thread-safe; rented memory is returned
/// by <see cref="Dispose"/>.
/// </remarks>
public sealed class StreamTap : IDisposable
{
    /// <summary>A line that is split and longer than this is passed over; the ones that count are far shorter.</summary>
    public const int LineBytesMax = 256 * 1024;

    private byte[] _partial = [];
    private int _partialLength;
    private bool _skipLine;
    private Dialect _dialect;
    private TokenUsage _usage;

    /// <summary>What the engine reported so far.</summary>
    public TokenUsage Usage => _usage;

    /// <summary>The engine reported usage, as far as it has come.</summary>
    public bool HasUsage { get; private set; }

    /// <summary>The usage is the final one, not only that of the prompt.</summary>
    public bool UsageIsFinal { get; private set; }

    /// <summary>Pieces of the answer so far: roughly its tokens, where the engine does not say.</summary>
    public long Deltas { get; private set; }

    /// <summary>The stream came to its proper end (<c>message_stop</c>, <c>[DONE]</c>).</summary>
    public bool Finished { get; private set; }

    /// <summary>The engine put an error into the stream.</summary>
    public bool SawError { get; private set; }

    /// <summary>Bytes seen.</summary>
    public long Bytes { get; private set; }

    /// <summary>The bytes so far end at the end of an event, so that another may be written after them.</summary>
    public bool AtEventEnd { get; private set; }

    public void Start(Dialect dialect)
    {
        _dialect = dialect;
        _partialLength = 0;
        _skipLine = false;
        _usage = default;
        HasUsage = UsageIsFinal = Finished = SawError = false;
        Deltas = Bytes = 0;
        AtEventEnd = true;
    }

    /// <summary>Looks at the next bytes.</summary>
    public void See(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        var endedLine = Bytes == 0 || _lastWasNewline;
        Bytes += bytes.Length;
        NoteEnd(bytes, endedLine);
        var from = 0;
        while (true)
        {
            var newline = bytes[from..].IndexOf((byte)'\n');
            if (newline < 0)
            {
                Keep(bytes[from..]);
                return;
            }

            var line = bytes.Slice(from, newline);
            if (_partialLength > 0 || _skipLine)
            {
                Keep(line);
                line = _skipLine ? [] : _partial.AsSpan(0, _partialLength);
                _partialLength = 0;
                _skipLine = false;
            }

            SeeLine(line);
            from += newline + 1;
        }
    }

    public void Dispose()
    {
        if (_partial.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_partial);
            _partial = [];
        }
    }

    private bool _lastWasNewline;

    private void NoteEnd(ReadOnlySpan<byte> bytes, bool endedLine)
    {
        _lastWasNewline = bytes[^1] == (byte)'\n';
        AtEventEnd = bytes.EndsWith("\n\n"u8) || bytes.EndsWith("\n\r\n"u8)
            || (endedLine && (bytes.SequenceEqual("\n"u8) || bytes.SequenceEqual("\r\n"u8)));
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_skipLine || bytes.IsEmpty)
        {
            return;
        }

        if (_partialLength + bytes.Length > LineBytesMax)
        {
            _skipLine = true;
            _partialLength = 0;
            return;
        }

        if (_partialLength + bytes.Length > _partial.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(1024, _partialLength + bytes.Length));
            _partial.AsSpan(0, _partialLength).CopyTo(larger);
            Dispose();
            _partial = larger;
        }

        bytes.CopyTo(_partial.AsSpan(_partialLength));
        _partialLength += bytes.Length;
    }

    private void SeeLine(ReadOnlySpan<byte> line)
    {
        if (!line.StartsWith("data:"u8))
        {
            return;
        }

        var data = line[5..].Trim((byte)' ').TrimEnd((byte)'\r');
        if (_dialect == Dialect.Anthropic)
        {
            SeeAnthropic(data);
        }
        else
        {
            SeeOpenAi(data);
        }
    }

    private void SeeAnthropic(ReadOnlySpan<byte> data)
    {
        // The type is the first member wherever it was seen; a short look at the start keeps deltas cheap.
        var head = data[..Math.Min(data.Length, 48)];
        if (head.IndexOf("content_block_"u8) >= 0)
        {
            Deltas += head.IndexOf("content_block_delta"u8) >= 0 ? 1 : 0;
            return;
        }

        if (data.IndexOf("\"usage\""u8) >= 0 && UsageReader.TryRead(_dialect, data, ref _usage))
        {
            HasUsage = true;
            UsageIsFinal |= data.IndexOf("message_delta"u8) >= 0;
        }
        else if (data.IndexOf("\"message_stop\""u8) >= 0)
        {
            Finished = true;
        }
        else if (head.IndexOf("\"error\""u8) >= 0)
        {
            SawError = true;
        }
    }

    private void SeeOpenAi(ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8))
        {
            Finished = true;
        }
        else if (data.StartsWith("{\"error\""u8))
        {
            SawError = true;
        }
        else
        {
            Deltas += data.IndexOf("\"choices\":[]"u8) >= 0 ? 0 : 1;
            SeeOpenAiUsage(data);
        }
    }

    private void SeeOpenAiUsage(ReadOnlySpan<byte> data)
    {
        if (data.IndexOf("\"usage\":{"u8) >= 0 || data.IndexOf("\"usage\": {"u8) >= 0)
        {
            HasUsage |= UsageReader.TryRead(_dialect, data, ref _usage);
            UsageIsFinal = HasUsage;
        }
    }
}
