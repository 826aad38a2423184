using System.Buffers.Text;

namespace Penstock.Engines.Http;

/// <summary>
/// Where the body of an HTTP/1.1 answer ends (RFC 9112 §6): by length, by chunks, or with the connection. Decodes in
/// place: the payload of all chunks that are there is moved together at the start of the buffer.
/// </summary>
internal struct H1Framing
{
    private const int SizeLineMax = 256;

    private State _state;
    private long _left;

    private enum State : byte
    {
        Length,
        UntilClose,
        ChunkSize,
        ChunkData,
        ChunkEnd,
        Trailer,
        Done,
    }

    public static H1Framing OfLength(long length) =>
        new() { _state = length == 0 ? State.Done : State.Length, _left = length };

    public static H1Framing Chunked() => new() { _state = State.ChunkSize };

    public static H1Framing UntilClose() => new() { _state = State.UntilClose };

    /// <summary>The body has ended.</summary>
    public readonly bool IsDone => _state == State.Done;

    /// <summary>The end of the connection is the end of the body.</summary>
    public readonly bool EndsWithConnection => _state == State.UntilClose;

    /// <summary>
    /// Decodes what is in <paramref name="bytes"/>. The payload then lies at its start; false where it is no HTTP.
    /// </summary>
    /// <param name="bytes">What was received and not yet consumed.</param>
    /// <param name="payload">Bytes of payload, from the start of <paramref name="bytes"/>.</param>
    /// <param name="consumed">Bytes that are used up; the rest waits for more.</param>
    public bool TryDecode(Span<byte> bytes, out int payload, out int consumed)
    {
        payload = 0;
        consumed = 0;
        while (consumed < bytes.Length && _state != State.Done)
        {
            var rest = bytes[consumed..];
            switch (_state)
            {
                case State.Length or State.ChunkData:
                    var take = (int)Math.Min(_left, rest.Length);
                    rest[..take].CopyTo(bytes[payload..]);
                    payload += take;
                    consumed += take;
                    _left -= take;
                    if (_left == 0)
                    {
                        _state = _state == State.Length ? State.Done : State.ChunkEnd;
                    }

                    break;
                case State.UntilClose:
                    payload = consumed = bytes.Length;
                    break;
                default:
                    var line = rest.IndexOf((byte)'\n');
                    if (line < 0)
                    {
                        return rest.Length <= SizeLineMax;
                    }

                    consumed += line + 1;
                    if (!TakeLine(rest[..line].TrimEnd((byte)'\r')))
                    {
                        return false;
                    }

                    break;
            }
        }

        return true;
    }

    private bool TakeLine(ReadOnlySpan<byte> line)
    {
        switch (_state)
        {
            case State.ChunkEnd:
                _state = State.ChunkSize;
                return line.IsEmpty;
            case State.Trailer:
                _state = line.IsEmpty ? State.Done : State.Trailer;
                return true;
        }

        var extension = line.IndexOf((byte)';');
        var digits = (extension < 0 ? line : line[..extension]).Trim((byte)' ');
        if (digits.Length is 0 or > 15 || !Utf8Parser.TryParse(digits, out long size, out var used, 'x')
            || used != digits.Length || size < 0)
        {
            return false;
        }

        _left = size;
        _state = size == 0 ? State.Trailer : State.ChunkData;
        return true;
    }
}
