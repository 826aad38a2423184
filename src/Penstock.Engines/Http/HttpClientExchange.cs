using System.Net;
using System.Net.Http.Headers;

namespace Penstock.Engines.Http;

/// <summary>Exchanges through the framework's HTTP client: TLS, and HTTP/2 where the engine offers it.</summary>
internal sealed class HttpClientExchange : IDisposable
{
    private readonly HttpMessageInvoker _invoker;
    private readonly Uri _base;

    public HttpClientExchange(Uri baseUrl, TimeSpan connectTimeout)
    {
        _base = baseUrl;
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

    public UpstreamRequest Post(string path) => new Request(new Uri(_base, path));

    public async Task<UpstreamAnswer> SendAsync(
        UpstreamRequest request, SplicedBody body, CancellationToken cancellation)
    {
        var message = ((Request)request).Complete(body);
        try
        {
            var response = await _invoker.SendAsync(message, cancellation);
            var stream = await response.Content.ReadAsStreamAsync(cancellation);
            return new Answer(response, stream, cancellation);
        }
        catch (HttpRequestException e)
        {
            var connected = e.HttpRequestError is not (HttpRequestError.ConnectionError
                or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError);
            throw new UpstreamException(
                connected ? UpstreamFault.Broken : UpstreamFault.NotConnected, e.Message, e);
        }
        catch (Exception e) when (
            !cancellation.IsCancellationRequested && e is OperationCanceledException or ObjectDisposedException)
        {
            // The framework reports its connect timeout as a cancellation, and a client that a reload has let go by
            // an exception of its own. In both cases the engine has seen nothing.
            throw new UpstreamException(UpstreamFault.NotConnected, $"connecting failed: {e.Message}", e);
        }
    }

    public void Dispose() => _invoker.Dispose();

    private sealed class Request(Uri url) : UpstreamRequest
    {
        private readonly HttpRequestMessage _message = new(HttpMethod.Post, url)
        {
            VersionPolicy = HttpVersionPolicy.RequestVersionOrHigher,
        };

        private readonly List<(string Name, string Value)> _ofContent = [];

        public HttpRequestMessage Complete(SplicedBody body)
        {
            _message.Content = new Content(body);
            foreach (var (name, value) in _ofContent)
            {
                _message.Content.Headers.TryAddWithoutValidation(name, value);
            }

            return _message;
        }

        protected override void Add(string name, string value)
        {
            if (!_message.Headers.TryAddWithoutValidation(name, value))
            {
                _ofContent.Add((name, value));
            }
        }

        protected override void Dispose(bool disposing)
        {
            _message.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class Content(SplicedBody body) : HttpContent
    {
        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(
            Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            for (var i = 0; i < SplicedBody.Pieces; i++)
            {
                var piece = body.Piece(i);
                if (!piece.IsEmpty)
                {
                    await stream.WriteAsync(piece, cancellationToken);
                }
            }
        }
    }

    private sealed class Answer : UpstreamAnswer
    {
        private readonly HttpResponseMessage _response;
        private readonly Stream _body;
        private readonly CancellationToken _cancellation;
        private readonly byte[] _buffer = new byte[16 * 1024];

        public Answer(HttpResponseMessage response, Stream body, CancellationToken cancellation)
        {
            _response = response;
            _body = body;
            _cancellation = cancellation;
            Status = (int)response.StatusCode;
            ContentLength = response.Content.Headers.ContentLength ?? -1;
            IsEventStream = MeansEventStream(response.Content.Headers.ContentType?.MediaType);
        }

        public override void VisitHeaders<TState>(TState state, Action<TState, string, string> visit)
        {
            Visit(_response.Headers, state, visit);
            Visit(_response.Content.Headers, state, visit);
        }

        public override string? FindHeader(string name) =>
            _response.Headers.NonValidated.TryGetValues(name, out var values)
                || _response.Content.Headers.NonValidated.TryGetValues(name, out values)
                ? values.ToString()
                : null;

        public override async ValueTask<ReadOnlyMemory<byte>> ReadAsync()
        {
            try
            {
                return _buffer.AsMemory(0, await _body.ReadAsync(_buffer, _cancellation));
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                throw new UpstreamException(UpstreamFault.Broken, e.Message, e);
            }
        }

        protected override void Dispose(bool disposing)
        {
            _response.Dispose();
            base.Dispose(disposing);
        }

        private static void Visit<TState>(
            HttpHeaders headers, TState state, Action<TState, string, string> visit)
        {
            foreach (var (name, values) in headers.NonValidated)
            {
                foreach (var value in values)
                {
                    visit(state, name, value);
                }
            }
        }
    }
}
