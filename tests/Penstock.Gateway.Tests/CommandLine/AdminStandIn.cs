using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Penstock.Gateway.Tests.CommandLine;

/// <summary>An admin port that gives one answer to everything and keeps what it was asked.</summary>
internal sealed class AdminStandIn : IAsyncDisposable
{
    private readonly WebApplication _host;

    private AdminStandIn(WebApplication host) => _host = host;

    public string Url => _host.Urls.Single();

    /// <summary>Path and query of the last request.</summary>
    public string? Asked { get; private set; }

    /// <summary>The key of the last request.</summary>
    public string? Key { get; private set; }

    public static async Task<AdminStandIn> StartAsync(int status, string body)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var admin = new AdminStandIn(builder.Build());
        admin._host.Run(async context =>
        {
            admin.Asked = context.Request.Path + context.Request.QueryString;
            admin.Key = context.Request.Headers["x-api-key"];
            context.Response.StatusCode = status;
            await context.Response.WriteAsync(body, context.RequestAborted);
        });
        await admin._host.StartAsync(TestContext.Current.CancellationToken);
        return admin;
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
