using System.Net;

namespace Penstock.Engines.Http;

/// <summary>
/// The connections to one engine endpoint. Sends a request and hands back the answer as soon as its head is there; it
/// follows no redirect, keeps no cookie, decodes nothing, and has no timeout of its own beyond connecting: the
/// caller's watchdogs cancel.
/// </summary>
/// <remarks>Thread-safe. Connections are reused, and dropped when idle for longer than engines keep them.</remarks>
public sealed class UpstreamClient : IDisposable
{
    private readonly HttpMessageInvoker _invoker;

    public UpstreamClient(Uri baseUrl, TimeSpan connectTimeout)
    {
        BaseUrl = baseUrl;
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ActivityHeadersPropagator = null,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = connectTimeout,
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            MaxResponseHeadersLength = 64,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            PooledConnectionLifetime = TimeSpan.FromMinutes(15),
            UseCookies = false,
            UseProxy = false,
        });
    }

    /// <summary>Scheme, host and port, and the path below which the engine's API lies.</summary>
    public Uri BaseUrl { get; }

    /// <summary>Sends the request; returns when the head of the answer is there.</summary>
    /// <exception cref="HttpRequestException">No connection, or it broke before the answer's head.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation) =>
        _invoker.SendAsync(request, cancellation);

    public void Dispose() => _invoker.Dispose();
}
