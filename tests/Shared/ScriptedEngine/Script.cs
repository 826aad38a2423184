using System.Collections.Immutable;
using System.Text;

namespace Penstock.Tests.Shared;

/// <summary>One thing that a scripted engine does on a connection.</summary>
internal abstract record ScriptStep
{
    /// <summary>These bytes, in one send call of their own.</summary>
    internal sealed record Send(ReadOnlyMemory<byte> Bytes) : ScriptStep;

    /// <summary>Waits until the test opens the gate, or the peer is gone.</summary>
    internal sealed record Pass(Gate Gate) : ScriptStep;

    /// <summary>Closes in good order: what was sent arrives, then the end of the stream.</summary>
    internal sealed record Close : ScriptStep;

    /// <summary>Cuts the connection with a TCP reset.</summary>
    internal sealed record Reset : ScriptStep;

    /// <summary>Says nothing more until the peer goes away.</summary>
    internal sealed record Hang : ScriptStep;
}

/// <summary>
/// How one request is answered: exact bytes, exact boundaries. Immutable; each method returns a longer script. After
/// the last step the connection is kept for the next request, unless it was closed.
/// </summary>
internal sealed record Script
{
    public static Script Empty { get; } = new();

    public ImmutableArray<ScriptStep> Steps { get; private init; } = [];

    /// <summary>False: the script runs as soon as the head is there, and the body is left unread.</summary>
    public bool WaitsForBody { get; private init; } = true;

    /// <summary>A whole answer with a content length, sent as one piece.</summary>
    public static Script Reply(int status, string body, string contentType = "application/json", string headers = "") =>
        Empty.Send(HttpBytes.Response(status, body, contentType, headers));

    /// <summary>An answer in HTTP chunks, each chunk a piece of its own.</summary>
    public static Script Chunked(string contentType, IEnumerable<string> chunks, int status = 200, string headers = "")
    {
        var script = Empty.Send(HttpBytes.ChunkedHead(status, contentType, headers));
        foreach (var chunk in chunks)
        {
            script = script.SendChunk(chunk);
        }

        return script.Send(HttpBytes.LastChunk);
    }

    /// <summary>Server-sent events, one event a chunk.</summary>
    public static Script Events(params IEnumerable<string> events) =>
        Chunked("text/event-stream; charset=utf-8", events);

    /// <summary>The head of a chunked event stream; the test goes on from there.</summary>
    public static Script EventsHead() => Empty.Send(HttpBytes.ChunkedHead(200, "text/event-stream; charset=utf-8", ""));

    public Script Send(ReadOnlyMemory<byte> bytes) => With(new ScriptStep.Send(bytes));

    public Script Send(string text) => Send(Encoding.UTF8.GetBytes(text));

    /// <summary>One HTTP chunk with this content.</summary>
    public Script SendChunk(string content) => Send(HttpBytes.Chunk(Encoding.UTF8.GetBytes(content)));

    /// <summary>The chunk that ends a chunked body.</summary>
    public Script SendLastChunk() => Send(HttpBytes.LastChunk);

    /// <summary>The bytes in pieces of <paramref name="size"/>, each in a send call of its own.</summary>
    public Script SendInPieces(ReadOnlyMemory<byte> bytes, int size = 1)
    {
        var steps = Steps.ToBuilder();
        for (var at = 0; at < bytes.Length; at += size)
        {
            steps.Add(new ScriptStep.Send(bytes.Slice(at, Math.Min(size, bytes.Length - at))));
        }

        return this with { Steps = steps.ToImmutable() };
    }

    /// <summary>The same script with every send cut into pieces of <paramref name="size"/> bytes.</summary>
    public Script InPieces(int size = 1) => Steps.Aggregate(
        this with { Steps = [] },
        (script, step) => step is ScriptStep.Send send ? script.SendInPieces(send.Bytes, size) : script.With(step));

    /// <summary>The first <paramref name="bytes"/> bytes of what the script sends, and then what
    /// <paramref name="end"/> does.</summary>
    public Script CutAfter(int bytes, ScriptStep end)
    {
        var cut = this with { Steps = [] };
        foreach (var step in Steps)
        {
            if (step is not ScriptStep.Send send)
            {
                cut = cut.With(step);
                continue;
            }

            if (send.Bytes.Length >= bytes)
            {
                return cut.Send(send.Bytes[..bytes]).With(end);
            }

            bytes -= send.Bytes.Length;
            cut = cut.With(send);
        }

        return cut.With(end);
    }

    public Script Pass(Gate gate) => With(new ScriptStep.Pass(gate));

    public Script Close() => With(new ScriptStep.Close());

    public Script Reset() => With(new ScriptStep.Reset());

    public Script Hang() => With(new ScriptStep.Hang());

    /// <summary>The same script, run as soon as the head of the request is there.</summary>
    public Script WithoutReadingBody() => this with { WaitsForBody = false };

    /// <summary>All bytes that the script sends, joined.</summary>
    public byte[] AllBytes() =>
        [.. Steps.OfType<ScriptStep.Send>().SelectMany(s => s.Bytes.ToArray())];

    private Script With(ScriptStep step) => this with { Steps = Steps.Add(step) };
}
