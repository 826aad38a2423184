using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Penstock.Gateway.Cluster.Incoming;

/// <summary>
/// The port for other gateways: a server of its own, so that nothing of it can be reached from the other ports. Speaks
/// HTTP/2 without TLS, from the first byte.
/// </summary>
internal sealed class PeerPort : IAsyncDisposable
{
    /// <summary>Connections at most, of peers and of those who are none.</summary>
    private const int ConnectionsMax = 16 * PeerNode.SeatsMax;

    private readonly WebApplication _app;
    private readonly CancellationTokenSource _stopping;

    private PeerPort(WebApplication app, CancellationTokenSource stopping, IPEndPoint end)
    {
        _app = app;
        _stopping = stopping;
        End = end;
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint End { get; }

    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<PeerPort> OpenAsync(IPAddress host, int port, PeerDoor door, CancellationToken stop)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = TimeSpan.FromSeconds(1));
        ListenOptions? listener = null;
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
            kestrel.Limits.RequestHeadersTimeout = PeerTimes.StalledAfter;
            kestrel.Limits.KeepAliveTimeout = PeerTimes.CloseAfter;

            // A peer may have little to say for long; its silence is watched by the frames that it sends.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 4;
            kestrel.Listen(host, port, listen =>
            {
                listener = listen;
                listen.Protocols = HttpProtocols.Http2;
            });
        });
        var stopping = new CancellationTokenSource();
        var app = builder.Build();
        app.Run(http => door.HandleAsync(http, stopping.Token));
        try
        {
            await app.StartAsync(stop);
        }
        catch
        {
            await app.DisposeAsync();
            stopping.Dispose();
            throw;
        }

        return new PeerPort(app, stopping, listener!.IPEndPoint!);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _stopping.Dispose();
    }
}
