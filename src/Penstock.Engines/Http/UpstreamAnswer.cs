namespace Penstock.Engines.Http;

/// <summary>
/// An engine's answer: its head, and the body as it comes. Disposing it before the end of the body closes the
/// connection, which is how an engine learns that nobody listens any more. Not thread-safe.
/// </summary>
public abstract class UpstreamAnswer : IDisposable
{
    public int Status { get; protected set; }

    /// <summary>The length of the body where the head tells it; else −1.</summary>
    public long ContentLength { get; protected set; } = -1;

    /// <summary>Nothing of the request's body will be read any more.</summary>
    public bool IsRequestSent { get; protected set; }

    /// <summary>The body is a stream of events.</summary>
    public bool IsEventStream { get; protected set; }

    /// <summary>Hands out every header, those of the connection included.</summary>
    public abstract void VisitHeaders<TState>(TState state, Action<TState, string, string> visit);

    /// <summary>The value of the first header of that name; null where there is none.</summary>
    public abstract string? FindHeader(string name);

    /// <summary>
    /// The next bytes of the body, as many as have come; empty at its end. They stay valid until the next call.
    /// </summary>
    /// <exception cref="UpstreamException">The connection broke before the end.</exception>
    /// <exception cref="OperationCanceledException">The token that the request was sent with was cancelled.</exception>
    public abstract ValueTask<ReadOnlyMemory<byte>> ReadAsync();

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }

    protected static bool MeansEventStream(string? contentType) =>
        contentType is not null && contentType.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase);
}
