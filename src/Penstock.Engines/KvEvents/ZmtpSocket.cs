using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Penstock.Wire.Zmtp;

namespace Penstock.Engines.KvEvents;

/// <summary>A <see cref="ZmtpPeer"/> on a TCP connection. One reader; not thread-safe. A dead peer is noticed by TCP's
/// own probes, so that a silent connection costs nothing here.</summary>
internal sealed class ZmtpSocket : IDisposable
{
    private const int KeepAliveSeconds = 30;
    private const int KeepAliveIntervalSeconds = 10;
    private const int KeepAliveProbes = 3;

    private readonly Socket _socket;
    private readonly ArrayBufferWriter<byte> _output = new();

    public ZmtpSocket(Socket socket, ZmtpSocketType type, ZmtpLimits limits)
    {
        _socket = socket;
        _socket.NoDelay = true;
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        _socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
        _socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveIntervalSeconds);
        _socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
        Peer = new ZmtpPeer(type, limits);
        ZmtpPeer.Start(_output);
    }

    public ZmtpPeer Peer { get; }

    /// <summary>What is to be sent with the next read or <see cref="FlushAsync"/>.</summary>
    public IBufferWriter<byte> Output => _output;

    public EndPoint? RemoteEndPoint => _socket.RemoteEndPoint;

    /// <exception cref="SocketException">Nobody answers there.</exception>
    public static async Task<ZmtpSocket> ConnectAsync(
        DnsEndPoint address, ZmtpSocketType type, ZmtpLimits limits, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address, cancel);
            return new ZmtpSocket(socket, type, limits);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The next thing that the peer says. Failed without a fault: it closed the connection.</summary>
    /// <exception cref="SocketException">The connection broke.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async ValueTask<ZmtpInput> ReadAsync(CancellationToken cancel)
    {
        while (true)
        {
            var input = Peer.Read(_output);
            if (input != ZmtpInput.NeedsMore)
            {
                return input;
            }

            await FlushAsync(cancel);
            var received = await _socket.ReceiveAsync(Peer.Free(), SocketFlags.None, cancel);
            if (received == 0)
            {
                return ZmtpInput.Failed;
            }

            Peer.Received(received);
        }
    }

    /// <summary>Sends what is in <see cref="Output"/>.</summary>
    public async ValueTask FlushAsync(CancellationToken cancel)
    {
        while (_output.WrittenCount > 0)
        {
            var left = _output.WrittenMemory;
            while (!left.IsEmpty)
            {
                left = left[await _socket.SendAsync(left, SocketFlags.None, cancel)..];
            }

            _output.ResetWrittenCount();
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        Peer.Dispose();
    }
}
