using System.Net.Sockets;
using Penstock.Bench.Wire;

namespace Penstock.Bench.Load;

/// <summary>Streams that have received their first event and then nothing, held open.</summary>
internal sealed class IdleStreams : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<LoadConnection> _connections = [];
    private readonly EventLoop _loop = new();
    private readonly byte[] _scratch = new byte[64 * 1024];

    /// <summary>Opens them one after the other's first event; null when all are open, else what went wrong.</summary>
    public string? Open(int port, string key, int count)
    {
        var plan = new LoadPlan(port, key);
        var request = plan.Request();
        var expected = plan.Expected;
        for (var token = 0; token < count; token++)
        {
            var connection = new LoadConnection(port, expected);
            _connections.Add(connection);
            _loop.Add(connection.Socket, token);
            _ = connection.Start(request, intended: 0);
            while (!connection.HasBody && connection.Failure is null)
            {
                if (_loop.Wait((long)Patience.TotalNanoseconds).IsEmpty)
                    return $"stream {token} sent no first event within {Patience.TotalSeconds} s";
                connection.Receive(_scratch);
            }

            if (connection.Failure is { } failure)
                return $"stream {token}: {failure}";
        }

        return null;
    }

    /// <summary>How many have been closed by the peer. Pings may have arrived meanwhile; they are fine.</summary>
    public int Lost() => _connections.Count(connection =>
    {
        while (true)
        {
            var read = connection.Socket.Receive(_scratch, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
                return false;
            if (error != SocketError.Success || read == 0)
                return true;
        }
    });

    public void Dispose()
    {
        _connections.ForEach(connection => connection.Dispose());
        _loop.Dispose();
    }
}
