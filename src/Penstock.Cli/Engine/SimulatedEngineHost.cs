using System.Collections.Immutable;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Penstock.Cli.Engine;

/// <summary>
/// Simulated engines behind one HTTP server, each on its own port. Logs nothing. Disposing it stops listening, cuts
/// what still streams, and frees the ports.
/// </summary>
public sealed class SimulatedEngineHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ImmutableArray<SimulatedEngine> _engines;

    private SimulatedEngineHost(WebApplication app, ImmutableArray<SimulatedEngine> engines, ImmutableArray<Uri> urls)
    {
        _app = app;
        _engines = engines;
        Urls = urls;
    }

    /// <summary>Where the engines listen, in the order in which they were asked for.</summary>
    public ImmutableArray<Uri> Urls { get; }

    /// <summary>Where the engines publish, in the same order; null for one that does not.</summary>
    public ImmutableArray<SimulatedEventAddresses?> Events =>
        [.. _engines.Select(static engine => engine.Publishing?.Addresses)];

    /// <summary>Starts the engines; they take requests when the task is done.</summary>
    /// <exception cref="IOException">A port is taken.</exception>
    /// <exception cref="ArgumentException">The options of an engine cannot be used.</exception>
    public static Task<SimulatedEngineHost> StartAsync(
        IReadOnlyList<SimulatedEngineOptions> engines, CancellationToken cancellation = default) =>
        StartAsync(engines, TimeProvider.System, cancellation);

    /// <summary>The same with a clock of the caller's.</summary>
    public static async Task<SimulatedEngineHost> StartAsync(
        IReadOnlyList<SimulatedEngineOptions> engines, TimeProvider time, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(engines);
        var running = await MakeAsync(engines, time);
        var listeners = new ListenOptions[running.Length];
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = RequestBody.BytesMax;
            for (var i = 0; i < running.Length; i++)
            {
                var (at, engine) = (i, running[i]);
                kestrel.Listen(engine.Options.Address, engine.Options.Port, listen =>
                {
                    listeners[at] = listen;
                    listen.Protocols = HttpProtocols.Http1;
                    listen.Use(next => connection => ServeConnection(engine, next, connection));
                });
            }
        });

        var app = builder.Build();
        app.Run(static http => EngineApi.ServeAsync(http.Features.GetRequiredFeature<SimulatedEngine>(), http));
        try
        {
            await app.StartAsync(cancellation);
        }
        catch
        {
            await StopAsync(app, running);
            throw;
        }

        return new SimulatedEngineHost(app, running, [.. listeners.Select(UrlOf)]);
    }

    public ValueTask DisposeAsync() => StopAsync(_app, _engines);

    private static async Task<ImmutableArray<SimulatedEngine>> MakeAsync(
        IReadOnlyList<SimulatedEngineOptions> engines, TimeProvider time)
    {
        List<SimulatedEngine> made = [];
        try
        {
            foreach (var options in engines)
            {
                made.Add(new SimulatedEngine(options, time));
            }
        }
        catch
        {
            foreach (var engine in made)
            {
                await engine.DisposeAsync();
            }

            throw;
        }

        return [.. made];
    }

    /// <summary>The listener that a connection came through says which engine it is for.</summary>
    private static Task ServeConnection(
        SimulatedEngine engine, ConnectionDelegate next, ConnectionContext connection)
    {
        connection.Features.Set(engine);
        return next(connection);
    }

    private static Uri UrlOf(ListenOptions listener)
    {
        var end = listener.IPEndPoint!;
        var host = end.Address.Equals(IPAddress.Any) || end.Address.Equals(IPAddress.IPv6Any)
            ? IPAddress.Loopback : end.Address;
        return new Uri($"http://{new IPEndPoint(host, end.Port)}");
    }

    private static async ValueTask StopAsync(WebApplication app, ImmutableArray<SimulatedEngine> engines)
    {
        await app.StopAsync();
        await app.DisposeAsync();
        foreach (var engine in engines)
        {
            await engine.DisposeAsync();
        }
    }
}
