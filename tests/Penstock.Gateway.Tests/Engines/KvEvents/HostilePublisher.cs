using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Penstock.Wire.Zmtp;

namespace Penstock.Gateway.Tests.Engines.KvEvents;

/// <summary>A listener that sends every connection the bytes of its script and notes what becomes of it.</summary>
internal sealed class HostilePublisher : IAsyncDisposable
{
    private readonly Socket _door = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Socket, CancellationToken, Task> _script;
    private readonly Task _loop;

    public HostilePublisher(Func<Socket, CancellationToken, Task> script)
    {
        _script = script;
        _door.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _door.Listen();
        _loop = AcceptAsync();
    }

    public DnsEndPoint Address => new("127.0.0.1", ((IPEndPoint)_door.LocalEndPoint!).Port);

    /// <summary>Shakes hands as a PUB socket, then sends <paramref name="bytes"/>.</summary>
    public static HostilePublisher After(byte[] bytes)
    {
        var all = Greeted(bytes);
        return new HostilePublisher(async (socket, stop) => await socket.SendAsync(all, stop));
    }

    /// <summary>What a PUB socket sends first, and then <paramref name="bytes"/>.</summary>
    public static byte[] Greeted(ReadOnlySpan<byte> bytes)
    {
        var output = new ArrayBufferWriter<byte>();
        ZmtpWriter.Greeting(output);
        ZmtpWriter.Ready(output, ZmtpSocketType.Pub, default);
        output.Write(bytes);
        return output.WrittenSpan.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _door.Dispose();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            using var socket = await _door.AcceptAsync(_stop.Token);
            try
            {
                await _script(socket, _stop.Token);
                var rest = new byte[4_096];
                while (await socket.ReceiveAsync(rest, SocketFlags.None, _stop.Token) > 0)
                {
                }
            }
            catch (SocketException)
            {
                // Cut off while it was still sending, which is what it is for.
            }
        }
    }
}
