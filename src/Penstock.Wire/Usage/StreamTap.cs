using System.Buffers;
using Penstock.Core.Metering;
using Penstock.Core.Models;

namespace Penstock.Wire.Usage;

/// <summary>
/// Watches the bytes of an event stream go by, without changing or delaying them: whether an answer has begun, how
/// many events there were, the usage that the engine reports, and whether the stream came to its proper end.
/// </summary>
/// <remarks>
/// Lines end in LF or CRLF. Only lines that name a thing of interest are parsed; the others cost one vectorised
/// search. A line that is split over reads is kept until it is whole, up to <see cref="LineBytesMax"/>. Not
/// thread-safe; rented memory is returned by <see cref="Dispose"/>.
/// </remarks>
public sealed class StreamTap : IDisposable
{
    /// <summary>A line that is split and longer than this is passed over; the ones that count are far shorter.
    /// </summary>
    public const int LineBytesMax = 256 * 1024;

    private byte[] _partial = [];
    private int _partialLength;
    private bool _skipLine;
    private Tail _tail;
    private Dialect _dialect;
    private TokenUsage _usage;
    private bool _countsCached;

    /// <summary>What there is of the line that has not ended yet.</summary>
    private enum Tail : byte
    {
        Nothing,
        CarriageReturn,
        Text,
    }

    /// <summary>What the engine reported so far.</summary>
    public TokenUsage Usage => _usage;

    /// <summary>The engine reported usage, as far as it has come.</summary>
    public bool HasUsage { get; private set; }

    /// <summary>The usage says how many tokens of the prompt were cached, be it none.</summary>
    public bool CountsCached => _countsCached;

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

    /// <summary>The bytes so far end with an empty line (or there are none), so that an event may be written after
    /// them.</summary>
    public bool AtEventEnd { get; private set; }

    public void Start(Dialect dialect)
    {
        _dialect = dialect;
        _partialLength = 0;
        _skipLine = false;
        _tail = Tail.Nothing;
        _usage = default;
        _countsCached = HasUsage = UsageIsFinal = Finished = SawError = false;
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

        Bytes += bytes.Length;
        NoteEnd(bytes);
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
            _partialLength = 0;
        }
    }

    private void NoteEnd(ReadOnlySpan<byte> bytes)
    {
        var last = bytes.LastIndexOf((byte)'\n');
        if (last < 0)
        {
            AtEventEnd = false;
            _tail = Joined(_tail, bytes);
            return;
        }

        var before = bytes[..last].LastIndexOf((byte)'\n');
        var line = Joined(before < 0 ? _tail : Tail.Nothing, bytes[(before + 1)..last]);
        var tail = bytes[(last + 1)..];
        AtEventEnd = tail.IsEmpty && line != Tail.Text;
        _tail = Joined(Tail.Nothing, tail);
    }

    private static Tail Joined(Tail tail, ReadOnlySpan<byte> more) =>
        more.IsEmpty ? tail
        : tail == Tail.Nothing && more is [(byte)'\r'] ? Tail.CarriageReturn
        : Tail.Text;

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
            if (_partial.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(_partial);
            }

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

        var data = line[5..].Trim(" \r"u8);
        var kind = _dialect == Dialect.Anthropic ? StreamEvent.OfAnthropic(data) : StreamEvent.OfOpenAi(data);
        Deltas += kind == StreamEventKind.Delta ? 1 : 0;
        Finished |= kind == StreamEventKind.Stop;
        SawError |= kind == StreamEventKind.Error;
        var mayHaveUsage = _dialect == Dialect.OpenAiChat || kind is StreamEventKind.Other or StreamEventKind.Final;
        if (mayHaveUsage && StreamEvent.HasUsage(data)
            && UsageReader.TryRead(_dialect, data, ref _usage, ref _countsCached))
        {
            HasUsage = true;
            UsageIsFinal |= _dialect == Dialect.OpenAiChat || kind == StreamEventKind.Final;
        }
    }
}
