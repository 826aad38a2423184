using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Penstock.Gateway.Api;

namespace Penstock.Gateway.Hosting;

/// <summary>
/// The two ports: one server each, so that nothing of the operators' side can be reached from the other.
/// </summary>
internal sealed class Listeners : IAsyncDisposable
{
    private readonly WebApplication _data;
    private readonly WebApplication _admin;

    private Listeners(WebApplication data, WebApplication admin, Uri dataUrl, Uri adminUrl)
    {
        _data = data;
        _admin = admin;
        DataUrl = dataUrl;
        AdminUrl = adminUrl;
    }

    public Uri DataUrl { get; }

    public Uri AdminUrl { get; }

    public static async Task<Listeners> OpenAsync(
        GatewayOptions options, DataPort data, AdminPort admin, CancellationToken stop)
    {
        var (dataApp, dataUrl) = await OpenAsync(options.Address, options.Port, data.HandleAsync, stop);
        try
        {
            var (adminApp, adminUrl) = await OpenAsync(
                options.AdminAddress, options.AdminPort, admin.HandleAsync, stop);
            return new Listeners(dataApp, adminApp, dataUrl, adminUrl);
        }
        catch
        {
            await dataApp.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _data.StopAsync();
        await _data.DisposeAsync();
        await _admin.StopAsync();
        await _admin.DisposeAsync();
    }

    private static async Task<(WebApplication App, Uri Url)> OpenAsync(
        IPAddress address, int port, RequestDelegate handle, CancellationToken stop)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        ListenOptions? listener = null;
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // Header values cross as bytes, whatever they are.
            kestrel.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
            kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
            kestrel.Listen(address, port, listen =>
            {
                listener = listen;
                listen.Protocols = HttpProtocols.Http1;
            });
        });
        builder.Services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>>(new BlockPool()));
        var app = builder.Build();
        app.Run(handle);
        try
        {
            await app.StartAsync(stop);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        var end = listener!.IPEndPoint!;
        var host = end.Address.Equals(IPAddress.Any) || end.Address.Equals(IPAddress.IPv6Any)
            ? IPAddress.Loopback
            : end.Address;
        return (app, new Uri($"http://{new IPEndPoint(host, end.Port)}"));
    }
}
