using System.Buffers;
using System.Diagnostics;
using System.Text.Json;

namespace Penstock.LiveBench.Play;

/// <summary>
/// Reads one streamed Anthropic answer: when its text came, the text as it is escaped, and the usage at its end.
/// </summary>
internal sealed class AnswerReader
{
    private readonly ArrayBufferWriter<byte> _text = new(4096);
    private byte[] _buffer = new byte[1 << 14];
    private int _length;

    /// <summary>Timestamps of the first and the last text; 0 before it.</summary>
    public long FirstAt { get; private set; }

    public long LastAt { get; private set; }

    public bool Complete { get; private set; }

    public string? Error { get; private set; }

    public int InputTokens { get; private set; }

    public int CachedTokens { get; private set; }

    public int OutputTokens { get; private set; }

    public ReadOnlySpan<byte> Text => _text.WrittenSpan;

    public async Task ReadAsync(Stream body, CancellationToken stop)
    {
        while (true)
        {
            if (_length == _buffer.Length)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            var read = await body.ReadAsync(_buffer.AsMemory(_length), stop);
            if (read == 0)
            {
                return;
            }

            _length += read;
            TakeLines();
        }
    }

    private void TakeLines()
    {
        var rest = _buffer.AsSpan(0, _length);
        for (int end; (end = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(end + 1)..])
        {
            var line = rest[..end];
            if (line.StartsWith("data: "u8))
            {
                TakeEvent(line["data: "u8.Length..]);
            }
        }

        rest.CopyTo(_buffer);
        _length = rest.Length;
    }

    private void TakeEvent(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var isDelta = false;
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            if (reader.ValueTextEquals("type"u8) && reader.CurrentDepth == 1)
            {
                reader.Read();
                isDelta = reader.ValueTextEquals("content_block_delta"u8);
                Complete |= reader.ValueTextEquals("message_stop"u8);
                Error ??= reader.ValueTextEquals("error"u8) ? System.Text.Encoding.UTF8.GetString(json) : null;
            }
            else if (isDelta && reader.ValueTextEquals("text"u8))
            {
                reader.Read();
                LastAt = Stopwatch.GetTimestamp();
                FirstAt = FirstAt == 0 ? LastAt : FirstAt;
                _text.Write(reader.ValueSpan);
            }
            else
            {
                TakeCount(ref reader);
            }
        }
    }

    private void TakeCount(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("input_tokens"u8))
        {
            InputTokens = Count(ref reader);
        }
        else if (reader.ValueTextEquals("cache_read_input_tokens"u8))
        {
            CachedTokens = Count(ref reader);
        }
        else if (reader.ValueTextEquals("output_tokens"u8))
        {
            OutputTokens = Count(ref reader);
        }
    }

    private static int Count(ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.Number ? reader.GetInt32() : 0;
}
