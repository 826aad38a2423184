using System.Globalization;
using System.Net;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Cluster.Outgoing;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>A peer that says whatever a test wants, on a stream that stays open for as long as it does.</summary>
internal sealed class RawPeer : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly HttpClient _client = new() { Timeout = s_patience };
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HttpResponseMessage? _answer;

    public required string Node { get; init; }

    public required long Epoch { get; init; }

    public string Secret { get; init; } = ClusterNode.Secret;

    public string Version { get; init; } = "2";

    public string Path { get; init; } = PeerLink.Path;

    public HttpMethod Method { get; init; } = HttpMethod.Post;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Opens the stream with these bytes; the status of the answer.</summary>
    public async Task<int> OpenAsync(ClusterNode to, params byte[] bytes)
    {
        using var request = new HttpRequestMessage(Method, new Uri(to.Address, Path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = Method == HttpMethod.Post ? new OpenContent(bytes, _end.Task) : null,
        };
        request.Headers.TryAddWithoutValidation("authorization", new PeerProof(Secret).Of(Node, Epoch));
        request.Headers.TryAddWithoutValidation(PeerProof.NodeHeader, Node);
        request.Headers.TryAddWithoutValidation(
            PeerProof.EpochHeader, Epoch.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation(PeerProof.VersionHeader, Version);
        _answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        return (int)_answer.StatusCode;
    }

    /// <summary>Completes once the other side has ended the stream.</summary>
    public async Task EndedAsync()
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        late.CancelAfter(s_patience);
        try
        {
            await _answer!.Content.ReadAsByteArrayAsync(late.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // Ended by force.
        }
    }

    /// <summary>The first batch of this peer: who it is, and a load at one replica.</summary>
    public byte[] Greeting(int inFlight, string? node = null)
    {
        var batch = new PeerBatch(4096);
        batch.TryHello(Epoch, node ?? Node);
        batch.TryHeartbeat(1);
        batch.TryReplica(0, "p", "r0");
        batch.TryLoad(0, inFlight, 0, 0);
        return batch.Bytes.ToArray();
    }

    public void Dispose()
    {
        _end.TrySetResult();
        _answer?.Dispose();
        _client.Dispose();
    }

    private sealed class OpenContent(byte[] bytes, Task end) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(bytes, Cancel);
            await stream.FlushAsync(Cancel);
            await end;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
