namespace Penstock.Engines.Http;

/// <summary>
/// An answer on a plain connection, which goes back to its pool where the answer was read to its end.
/// </summary>
internal sealed class H1Answer : UpstreamAnswer
{
    private readonly H1Pool _pool;
    private readonly H1Connection _connection;
    private readonly CancellationTokenRegistration _ending;
    private bool _disposed;

    public H1Answer(H1Pool pool, H1Connection connection, CancellationTokenRegistration ending)
    {
        _pool = pool;
        _connection = connection;
        _ending = ending;
        Status = connection.Head.Status;
        IsRequestSent = true;
        ContentLength = connection.Head.IsChunked ? -1 : connection.Head.ContentLength;
        IsEventStream = connection.Head.IsEventStream;
    }

    public override void VisitHeaders<TState>(TState state, Action<TState, string, string> visit) =>
        _connection.Head.Visit(_connection.HeadBytes, state, visit);

    public override string? FindHeader(string name) => _connection.Head.Find(_connection.HeadBytes, name);

    public override ValueTask<ReadOnlyMemory<byte>> ReadAsync() => _connection.ReadAsync();

    protected override void Dispose(bool disposing)
    {
        if (!_disposed)
        {
            _disposed = true;
            _ending.Dispose();
            _pool.Return(_connection);
        }

        base.Dispose(disposing);
    }
}
