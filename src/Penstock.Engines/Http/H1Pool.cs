using System.Net;
using System.Net.Sockets;

namespace Penstock.Engines.Http;

/// <summary>
/// The plain connections to one engine: the one used last is used next, the ones that nobody needs are closed after a
/// while. Thread-safe.
/// </summary>
internal sealed class H1Pool : IDisposable
{
    /// <summary>Idle connections kept at most.</summary>
    private const int IdleMax = 512;

    private static readonly TimeSpan IdleFor = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A connection that breaks later than this after a request was sent broke in its work, not in its idleness: the
    /// engine may have run the request, and asking again is for the retry budget to allow.
    /// </summary>
    private static readonly TimeSpan JustNow = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly LinkedList<H1Connection> _idle = new();
    private readonly EndPoint _engine;
    private readonly TimeSpan _connectTimeout;
    private readonly TimeProvider _time;
    private bool _disposed;

    public H1Pool(Uri engine, TimeSpan connectTimeout, TimeProvider time)
    {
        Authority = engine.Authority;
        _engine = IPAddress.TryParse(engine.DnsSafeHost, out var address)
            ? new IPEndPoint(address, engine.Port)
            : new DnsEndPoint(engine.DnsSafeHost, engine.Port, AddressFamily.Unspecified);
        _connectTimeout = connectTimeout;
        _time = time;
    }

    /// <summary>Host and port, as the host header has them.</summary>
    public string Authority { get; }

    public async Task<UpstreamAnswer> SendAsync(H1Request request, SplicedBody body, CancellationToken cancellation)
    {
        if (Take() is { } used)
        {
            var sent = _time.GetTimestamp();
            try
            {
                return await ExchangeAsync(used, request, body, cancellation);
            }
            catch (UpstreamException) when (used.IsUnanswered && _time.GetElapsedTime(sent) < JustNow)
            {
                // Engines close what was idle for a few seconds, and this one did so just now. That is no failure
                // of the engine, and the only replica of a model would have no other to stand in for it.
            }
        }

        var connection = await H1Connection.OpenAsync(_engine, _connectTimeout, cancellation);
        return await ExchangeAsync(connection, request, body, cancellation);
    }

    private async Task<UpstreamAnswer> ExchangeAsync(
        H1Connection connection, H1Request request, SplicedBody body, CancellationToken cancellation)
    {
        var ending = cancellation.UnsafeRegister(static c => ((H1Connection)c!).Abort(), connection);
        try
        {
            await connection.ExchangeAsync(request, body);
            return new H1Answer(this, connection, ending);
        }
        catch
        {
            await ending.DisposeAsync();
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Takes back a connection after its exchange.</summary>
    public void Return(H1Connection connection)
    {
        if (!connection.IsReusable)
        {
            connection.Dispose();
            return;
        }

        connection.Rest();
        connection.IdleSince = _time.GetTimestamp();
        H1Connection? old = null;
        lock (_lock)
        {
            if (_disposed || _idle.Count == IdleMax)
            {
                old = connection;
            }
            else
            {
                _idle.AddLast(connection);
                if (_time.GetElapsedTime(_idle.First!.Value.IdleSince, connection.IdleSince) > IdleFor)
                {
                    old = _idle.First.Value;
                    _idle.RemoveFirst();
                }
            }
        }

        old?.Dispose();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (var connection in _idle)
            {
                connection.Dispose();
            }

            _idle.Clear();
        }
    }

    /// <summary>An idle connection that the engine has not closed; null where there is none.</summary>
    private H1Connection? Take()
    {
        while (true)
        {
            H1Connection connection;
            lock (_lock)
            {
                if (_idle.Last is not { } last)
                {
                    return null;
                }

                connection = last.Value;
                _idle.RemoveLast();
            }

            if (!connection.IsStale())
            {
                return connection;
            }

            connection.Dispose();
        }
    }
}
