using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Penstock.Core.Metering;
using Penstock.Core.Outcomes;
using Penstock.Wire.Sse;

namespace Penstock.Wire.Turns;

/// <summary>
/// Translates one streamed answer as its bytes arrive, cut anywhere. Every event goes out at once. Whatever the engine
/// sends, the client's stream ends well-formed: with the dialect's own end, or with its error event. Memory is bounded
/// by the largest event plus one chunk. Not thread-safe; dispose it.
/// </summary>
public sealed class StreamTranslation : IDisposable
{
    private readonly SseReader _events = new();
    private readonly TurnStreamReader _reader;
    private readonly TurnStreamWriter _writer;
    private readonly Tap _tap;

    internal StreamTranslation(TurnStreamReader reader, TurnStreamWriter writer)
    {
        _reader = reader;
        _writer = writer;
        _tap = new Tap(writer);
    }

    /// <summary>The usage that the engine has reported so far.</summary>
    public TokenUsage Usage => _tap.Usage;

    /// <summary>Whether the engine reported usage at all.</summary>
    public bool HasUsage => _tap.HasUsage;

    /// <summary>
    /// True once the end or the error event was written: whatever follows from the engine is ignored.
    /// </summary>
    public bool Finished => _tap.Finished;

    /// <summary>True once a part of the answer itself was written, beyond its opening.</summary>
    public bool HasContent => _tap.HasContent;

    /// <summary>
    /// Bytes of text, thinking and tool arguments that passed, in escaped form: what is left to estimate output tokens
    /// from where a stream breaks off before its usage.
    /// </summary>
    public long ContentBytes => _tap.ContentBytes;

    /// <summary>Why the stream broke off; null while it has not.</summary>
    public Failure? Failure => _tap.Failure;

    /// <summary>Translates the next bytes from the engine.</summary>
    public void Push(ReadOnlySpan<byte> engineBytes, IBufferWriter<byte> clientOut)
    {
        if (Finished)
        {
            return;
        }

        _writer.Output = clientOut;
        if (_events.Feed(engineBytes) is { } failure)
        {
            Fail(failure);
            return;
        }

        while (!Finished && _events.TryRead(out var e))
        {
            Read(e);
        }

        if (!Finished && _events.Failure is { } broken)
        {
            Fail(broken);
        }
    }

    /// <summary>The engine closed its stream: writes the end, or the error where the answer is not complete.</summary>
    public void Complete(IBufferWriter<byte> clientOut)
    {
        if (!Finished)
        {
            _writer.Output = clientOut;
            _reader.Complete(_tap);
        }
    }

    /// <summary>Breaks the stream off with a failure of the caller's, such as a watchdog's.</summary>
    public void Abort(Failure failure, IBufferWriter<byte> clientOut)
    {
        if (!Finished)
        {
            _writer.Output = clientOut;
            Fail(failure);
        }
    }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose() => _events.Dispose();

    private void Read(in SseEvent e)
    {
        if (!Utf8.IsValid(e.Data))
        {
            Fail(new Failure(FailureKind.EngineFailed, "the engine sent a stream event that is not valid UTF-8"));
            return;
        }

        try
        {
            _reader.Read(e, _tap);
        }
        catch (JsonException)
        {
            Fail(new Failure(FailureKind.EngineFailed, "the engine sent a stream event that is not valid JSON"));
        }
    }

    private void Fail(Failure failure) => _tap.Take(new TurnEvent(TurnEventKind.Error) { Failure = failure });

    /// <summary>Sees what passes from the reader to the writer.</summary>
    private sealed class Tap(TurnStreamWriter writer) : ITurnSink
    {
        public TokenUsage Usage { get; private set; }

        public bool HasUsage { get; private set; }

        public bool HasContent { get; private set; }

        public long ContentBytes { get; private set; }

        public bool Finished { get; private set; }

        public Failure? Failure { get; private set; }

        public void Take(in TurnEvent e)
        {
            switch (e.Kind)
            {
                case TurnEventKind.Usage:
                    Usage = e.Usage;
                    HasUsage = true;
                    break;
                case TurnEventKind.Error:
                    Failure = e.Failure;
                    Finished = true;
                    break;
                case TurnEventKind.End:
                    Finished = true;
                    break;
                case TurnEventKind.Start or TurnEventKind.Ping:
                    break;
                default:
                    HasContent = true;
                    ContentBytes += e.Text.Length;
                    break;
            }

            writer.Take(e);
        }
    }
}
