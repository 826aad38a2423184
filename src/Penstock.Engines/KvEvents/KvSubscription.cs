using System.Net;
using System.Net.Sockets;
using Penstock.Core.Primitives;
using Penstock.Wire.Zmtp;

namespace Penstock.Engines.KvEvents;

/// <summary>
/// Listens to the cache events of one endpoint for as long as it lives: connects, or lets publishers connect, keeps the
/// numbering of each, asks for what was lost, and tries again with growing, jittered waits. What a publisher does wrong
/// ends its connection and nothing else; so does a bug that surfaces there. Silent, it costs no time. Start once;
/// dispose stops it and waits.
/// </summary>
public sealed class KvSubscription : IAsyncDisposable
{
    private const int DoublingsMax = 16;

    private readonly KvSubscriptionSettings _settings;
    private readonly IKvEventListener _listener;
    private readonly TimeProvider _time;
    private readonly KvSourceTable _sources;
    private readonly CancellationTokenSource _stop = new();
    private readonly KvGuests _guests;
    private readonly Lock _lock = new();
    private Rng _jitter;
    private Task _loop = Task.CompletedTask;

    public KvSubscription(KvSubscriptionSettings settings, IKvEventListener listener, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        _listener = listener;
        _time = time;
        _sources = new KvSourceTable(settings);
        _guests = new KvGuests(settings.PublishersMax);
        _jitter = new Rng(Hash64.Of($"{settings.Endpoint.Address.Host}:{settings.Endpoint.Address.Port}"));
    }

    /// <summary>What was seen so far.</summary>
    public KvCounters Counters { get; } = new();

    /// <summary>The publishers heard of.</summary>
    public IEnumerable<KvSource> Sources => _sources.All;

    /// <summary>The port listened at; 0: none yet. Given by the first bind where publishers connect to us.</summary>
    public int BoundPort { get; private set; }

    /// <summary>Begins to listen.</summary>
    public void Start() => _loop = _settings.Endpoint.IsBoundHere ? AcceptAsync(_stop.Token) : DialAsync(_stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(_guests.Served).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task DialAsync(CancellationToken stop)
    {
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            var connection = new KvConnection(_settings, _sources, _listener, Counters, _time);
            var fault = await GuardedAsync(DialOnceAsync(connection, stop), stop);
            failures = fault == KvFault.None && connection.HasDelivered ? 0 : failures + 1;
            await Task.Delay(Wait(failures), _time, stop);
        }
    }

    private async Task<KvFault> DialOnceAsync(KvConnection connection, CancellationToken stop)
    {
        ZmtpSocket wire;
        try
        {
            using var timer = new CancellationTokenSource(_settings.HandshakeTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, stop);
            wire = await ZmtpSocket.ConnectAsync(
                _settings.Endpoint.Address, ZmtpSocketType.Sub, _settings.WireLimits, either.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            _listener.Noticed(new KvNotice(KvNoticeKind.Disconnected) { Source = _sources.Single });
            return KvFault.None;
        }

        using (wire)
        {
            return await connection.RunAsync(wire, stop);
        }
    }

    private async Task AcceptAsync(CancellationToken stop)
    {
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var door = await BindAsync(stop);
                while (true)
                {
                    var socket = await door.AcceptAsync(stop);
                    failures = 0;
                    await AdmitAsync(socket, stop);
                }
            }
            catch (SocketException)
            {
                _listener.Noticed(new KvNotice(KvNoticeKind.Disconnected));
                await Task.Delay(Wait(++failures), _time, stop);
            }
            catch (Exception bug) when (!stop.IsCancellationRequested)
            {
                Surface(bug);
                await Task.Delay(Wait(++failures), _time, stop);
            }
        }
    }

    /// <summary>What surfaces in one connection must not end the subscription.</summary>
    private async Task<KvFault> GuardedAsync(Task<KvFault> connection, CancellationToken stop)
    {
        try
        {
            return await connection;
        }
        catch (Exception bug) when (!stop.IsCancellationRequested)
        {
            Surface(bug);
            return KvFault.Internal;
        }
    }

    private void Surface(Exception bug)
    {
        Counters.CountFault();
        _listener.Surfaced(bug);
    }

    private async Task<Socket> BindAsync(CancellationToken stop)
    {
        var (host, port) = (_settings.Endpoint.Address.Host, _settings.Endpoint.Address.Port);

        // The address that means all of them is none that a name may stand for.
        var address = IPAddress.TryParse(host, out var given) ? given
            : (await Dns.GetHostAddressesAsync(host, stop)).FirstOrDefault()
            ?? throw new SocketException((int)SocketError.HostNotFound);
        var door = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            door.Bind(new IPEndPoint(address, port));
            door.Listen();
            BoundPort = ((IPEndPoint)door.LocalEndPoint!).Port;
            _listener.Noticed(new KvNotice(KvNoticeKind.Bound) { To = (ulong)BoundPort });
            return door;
        }
        catch
        {
            door.Dispose();
            throw;
        }
    }

    private async Task AdmitAsync(Socket socket, CancellationToken stop)
    {
        if (_guests.IsFull)
        {
            Counters.CountFault();
            _listener.Noticed(new KvNotice(KvNoticeKind.Faulted) { Fault = KvFault.TooManyPublishers });
            if (_guests.Dismiss() is not { } dismissed)
            {
                socket.Dispose();
                return;
            }

            await dismissed.LeaveAsync();
            await dismissed.Served.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

            // However fast others come, they cost no more than this.
            await Task.Delay(_settings.DismissalPause, _time, stop)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        var connection = new KvConnection(_settings, _sources, _listener, Counters, _time);
        var guest = new KvGuest(connection, CancellationTokenSource.CreateLinkedTokenSource(stop));
        guest.Served = ServeAsync(guest, socket);
        _guests.Add(guest);
    }

    private async Task ServeAsync(KvGuest guest, Socket socket)
    {
        using (guest)
        {
            try
            {
                if (await GuardedAsync(RunAsync(guest, socket), guest.Left) != KvFault.None)
                {
                    // A publisher that connects anew at once waits here: its place is not given back before, unless
                    // another wants it.
                    await Task.Delay(Wait((int)Math.Min(Counters.Faults, DoublingsMax)), _time, guest.Left);
                }
            }
            catch (OperationCanceledException)
            {
                // Its place was given to another, or the subscription ends.
            }
        }
    }

    private async Task<KvFault> RunAsync(KvGuest guest, Socket socket)
    {
        try
        {
            using var wire = new ZmtpSocket(socket, ZmtpSocketType.Sub, _settings.WireLimits);
            return await guest.Connection.RunAsync(wire, guest.Left);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return KvFault.None;
        }
    }

    private TimeSpan Wait(int failures)
    {
        var longest = _settings.RetryMin * Math.Pow(2, Math.Clamp(failures - 1, 0, DoublingsMax));
        longest = longest < _settings.RetryMax ? longest : _settings.RetryMax;
        lock (_lock)
        {
            return longest * (0.5 + (_jitter.NextDouble() / 2));
        }
    }
}
