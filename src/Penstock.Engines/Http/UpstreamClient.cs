namespace Penstock.Engines.Http;

/// <summary>
/// The connections to one engine endpoint. Sends a request and hands back the answer as soon as its head is there; it
/// follows no redirect, keeps no cookie, decodes nothing, and has no timeout of its own beyond connecting: the
/// caller's watchdogs cancel.
/// </summary>
/// <remarks>
/// Thread-safe. Plain HTTP/1.1, which engines speak inside a data centre, goes over connections of our own, where a
/// relayed event costs one receive; TLS goes through the framework's client.
/// </remarks>
public sealed class UpstreamClient : IDisposable
{
    private readonly H1Pool? _plain;
    private readonly HttpClientExchange? _secure;
    private readonly string _root;

    /// <param name="baseUrl">Scheme, host and port, and the path below which the engine's API lies.</param>
    /// <param name="connectTimeout">To open a connection.</param>
    /// <param name="time">Ages idle connections.</param>
    public UpstreamClient(Uri baseUrl, TimeSpan connectTimeout, TimeProvider time)
    {
        _root = baseUrl.AbsolutePath.TrimEnd('/');
        if (baseUrl.Scheme == Uri.UriSchemeHttp)
        {
            _plain = new H1Pool(baseUrl, connectTimeout, time);
        }
        else
        {
            _secure = new HttpClientExchange(baseUrl, connectTimeout);
        }
    }

    /// <summary>A POST to a path of the engine's API, such as <c>/v1/messages</c>.</summary>
    public UpstreamRequest Post(string path) =>
        _plain is not null ? new H1Request(_plain.Authority, _root + path) : _secure!.Post(_root + path);

    /// <summary>Sends a request made by <see cref="Post"/>; returns when the head of the answer is there.</summary>
    /// <param name="request">Its headers are complete but for those about the body's form and length.</param>
    /// <param name="body">Must stay as it is until the answer's head is there.</param>
    /// <param name="cancellation">Ends the exchange, the reading of the body included.</param>
    /// <exception cref="UpstreamException">No connection, or it broke before the answer's head.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<UpstreamAnswer> SendAsync(
        UpstreamRequest request, SplicedBody body, CancellationToken cancellation) =>
        _plain is not null
            ? _plain.SendAsync((H1Request)request, body, cancellation)
            : _secure!.SendAsync(request, body, cancellation);

    public void Dispose()
    {
        _plain?.Dispose();
        _secure?.Dispose();
    }
}
