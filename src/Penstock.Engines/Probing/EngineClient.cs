using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Penstock.Engines.Probing;

/// <summary>The limits of side calls.</summary>
public sealed record EngineClientLimits
{
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A whole side call, connecting included.</summary>
    public TimeSpan Call { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Bytes of a body at most; metrics pages of large fleets reach some hundred kilobytes.</summary>
    public int BodyBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>Connections to one engine at most; further calls wait for one of them.</summary>
    public int ConnectionsMax { get; init; } = 4;

    /// <summary>Whether the proxy of the environment is used; engines of one's own are reached directly.</summary>
    public bool UseProxy { get; init; }
}

/// <summary>
/// Asks engines about themselves. It has connections of its own, so that requests that fill an engine's connections
/// cannot keep a probe from getting through. One for a whole process; safe from any thread; dispose closes every
/// connection.
/// </summary>
public sealed class EngineClient : IDisposable
{
    private const int HeaderKilobytesMax = 64;

    private readonly EngineClientLimits _limits;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _http;

    public EngineClient(TimeProvider time, EngineClientLimits? limits = null)
    {
        _time = time;
        _limits = limits ?? new EngineClientLimits();
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = _limits.UseProxy,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = _limits.Connect,
            MaxConnectionsPerServer = _limits.ConnectionsMax,
            MaxResponseHeadersLength = HeaderKilobytesMax,
            MaxResponseDrainSize = 0,

            // llama-server closes idle connections after 5 s; going first avoids the race.
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(4),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        });
    }

    /// <summary>Asks for <paramref name="path"/> as <paramref name="adapter"/> does.</summary>
    public Task<EngineAnswer> GetAsync(
        EngineAdapter adapter, EngineEndpoint endpoint, string path, CancellationToken cancel) =>
        SendAsync(new(adapter, endpoint, HttpMethod.Get, path), _limits, cancel);

    /// <summary>
    /// Posts nothing at all to <paramref name="path"/>: where the path exists every engine refuses that (400, 415,
    /// 422), and it can never start a generation.
    /// </summary>
    public Task<EngineAnswer> PostNothingAsync(
        EngineAdapter adapter, EngineEndpoint endpoint, string path, CancellationToken cancel) =>
        SendAsync(new(adapter, endpoint, HttpMethod.Post, path), _limits, cancel);

    /// <summary>Posts a JSON document.</summary>
    internal Task<EngineAnswer> PostAsync(
        EngineAdapter adapter, EngineEndpoint endpoint, string path, ReadOnlyMemory<byte> body,
        CancellationToken cancel) =>
        SendAsync(new(adapter, endpoint, HttpMethod.Post, path) { Body = body }, _limits, cancel);

    /// <summary>Posts nothing to <paramref name="path"/>, where that is how an engine is asked for what it has
    /// collected; such answers are larger, and may take longer, than those about health.</summary>
    internal Task<EngineAnswer> DrainAsync(
        EngineAdapter adapter,
        EngineEndpoint endpoint,
        string path,
        EngineClientLimits limits,
        CancellationToken cancel) =>
        SendAsync(new(adapter, endpoint, HttpMethod.Post, path), limits, cancel);

    public void Dispose() => _http.Dispose();

    private async Task<EngineAnswer> SendAsync(Question question, EngineClientLimits limits, CancellationToken cancel)
    {
        using var request = question.ToRequest();
        using var deadline = new CancellationTokenSource(limits.Call, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancel);
        try
        {
            using var response = await _http.SendAsync(request, either.Token);
            return await ReadAsync(response, limits.BodyBytesMax, either.Token);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            // Also the connect timeout of the handler, which is told by an inner TimeoutException.
            var end = deadline.IsCancellationRequested ? AnswerEnd.TimedOut : AnswerEnd.ConnectFailed;
            return EngineAnswer.Failed(end, e.Message);
        }
        catch (HttpRequestException e)
        {
            return EngineAnswer.Failed(EndOf(e), e.InnerException?.Message ?? e.Message);
        }
        catch (IOException e)
        {
            return EngineAnswer.Failed(AnswerEnd.Broken, e.Message);
        }
    }

    private static async Task<EngineAnswer> ReadAsync(HttpResponseMessage response, int max, CancellationToken cancel)
    {
        if (response.Content.Headers.ContentLength > max)
        {
            return EngineAnswer.Failed(AnswerEnd.Broken, "the answer is larger than allowed");
        }

        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        var body = new ArrayBufferWriter<byte>();
        while (await stream.ReadAsync(body.GetMemory(16 * 1024), cancel) is var n and > 0)
        {
            body.Advance(n);
            if (body.WrittenCount > max)
            {
                return EngineAnswer.Failed(AnswerEnd.Broken, "the answer is larger than allowed");
            }
        }

        return new EngineAnswer(AnswerEnd.Answered, (int)response.StatusCode, body.WrittenMemory);
    }

    /// <summary>What is asked of whom.</summary>
    private readonly record struct Question(
        EngineAdapter Adapter, EngineEndpoint Endpoint, HttpMethod Method, string Path)
    {
        public ReadOnlyMemory<byte> Body { get; init; }

        public HttpRequestMessage ToRequest()
        {
            var request = new HttpRequestMessage(Method, Endpoint.Resolve(Path)) { Version = HttpVersion.Version11 };
            Adapter.Authorize(request.Headers, Endpoint.Key);
            foreach (var (name, value) in Adapter.RequiredHeaders)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            if (Method == HttpMethod.Post)
            {
                request.Content = new ReadOnlyMemoryContent(Body);
                request.Content.Headers.TryAddWithoutValidation("content-type", "application/json");
            }

            return request;
        }
    }

    private static AnswerEnd EndOf(HttpRequestException e) => e.HttpRequestError switch
    {
        HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.ProxyTunnelError => AnswerEnd.ConnectFailed,
        HttpRequestError.SecureConnectionError => AnswerEnd.TlsFailed,
        _ when e.InnerException is AuthenticationException => AnswerEnd.TlsFailed,
        _ when e.InnerException is SocketException => AnswerEnd.ConnectFailed,
        _ => AnswerEnd.Broken,
    };
}
