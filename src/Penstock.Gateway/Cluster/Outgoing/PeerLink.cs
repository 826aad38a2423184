using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using Penstock.Core.Primitives;

namespace Penstock.Gateway.Cluster.Outgoing;

/// <summary>How a link stands.</summary>
internal enum LinkState
{
    Connecting,
    Up,

    /// <summary>The last try failed; the next one comes after a pause.</summary>
    Waiting,

    /// <summary>The address is this gateway's own, or leads to one that another link reaches.</summary>
    Needless,
}

/// <summary>What links share.</summary>
internal sealed record LinkParts(
    ClusterSelf Self, PeerProof Proof, PeerOutbox Outbox, TimeProvider Time, ILogger Log);

/// <summary>
/// The way to one other gateway: keeps one stream to it open for as long as it is a member, and opens it again, after a
/// pause that grows, whenever it breaks. Waits for nothing but the peer and harms nothing but itself.
/// </summary>
internal sealed class PeerLink(Uri address, HttpClient client, LinkParts parts, PeerLinks all) : IAsyncDisposable
{
    public const string Path = "/peers/v1/stream";

    private readonly CancellationTokenSource _leave = new();
    private readonly CancellationTokenSource _cut = new();
    private readonly LinkNews _news = new(address, parts.Log);
    private Task _running = Task.CompletedTask;
    private string? _problem;
    private string? _doubleOf;

    public Uri Address { get; } = address;

    /// <summary>Whom the address leads to; null until it answered.</summary>
    public string? Node { get; private set; }

    public LinkState State { get; private set; }

    /// <summary>The timestamp at which the last stream ended; null where none was up.</summary>
    public long? UpUntil { get; private set; }

    /// <summary>Why it is not up; null where it is.</summary>
    public string? Problem => _problem;

    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Says goodbye where it can, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _leave.CancelAsync();
        try
        {
            await _running.WaitAsync(PeerTimes.LeaveWithin, parts.Time);
        }
        catch (TimeoutException)
        {
            // The peer does not take it.
        }

        await _cut.CancelAsync();
        await _running;
        _leave.Dispose();
        _cut.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_leave.IsCancellationRequested)
        {
            State = LinkState.Connecting;
            var problem = _doubleOf is { } node && all.IsReached(node) ? "" : await TryStreamAsync();
            _news.Ended(State == LinkState.Up);
            if (problem is "")
            {
                State = LinkState.Needless;
                _problem = null;
            }
            else
            {
                State = LinkState.Waiting;
                Report(problem ?? "it ended the stream");
            }

            await PauseAsync(State == LinkState.Needless ? PeerTimes.RetryMax : Pause(_news.Failures));
        }
    }

    private void Report(string problem)
    {
        if (!_leave.IsCancellationRequested)
        {
            _news.Down(problem);
        }

        _problem = problem;
    }

    private static TimeSpan Pause(int failures)
    {
        var most = PeerTimes.RetryFirst * Math.Pow(2, Math.Clamp(failures - 1, 0, 10));
#pragma warning disable CA5394 // Not a secret: it spreads reconnections.
        return (most < PeerTimes.RetryMax ? most : PeerTimes.RetryMax) * (0.5 + (Random.Shared.NextDouble() / 2));
#pragma warning restore CA5394
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, parts.Time, _leave.Token);
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    /// <summary>One stream, from its opening to its end. Null: it was up and ended; empty: not needed; else what is
    /// wrong.</summary>
    private async Task<string?> TryStreamAsync()
    {
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(_cut.Token);
        try
        {
            return await StreamAsync(attempt);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException
            or TimeoutException)
        {
            return State == LinkState.Up ? "the stream broke" : Reason(e);
        }
#pragma warning disable CA1031 // A fault here must not end the link for good.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ClusterLog.Faulted(parts.Log, e, Node ?? Address.Authority);
            return e.GetType().Name;
        }
        finally
        {
            UpUntil = State == LinkState.Up ? parts.Time.GetTimestamp() : UpUntil;
            all.Released(this);
            await attempt.CancelAsync();
        }
    }

    private async Task<string?> StreamAsync(CancellationTokenSource attempt)
    {
        var epoch = parts.Self.Epoch;
        var sender = new PeerSender(parts.Self.Node, epoch, parts.Outbox);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Address, Path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new PeerContent(stream => SendAsync(stream, sender, attempt)),
        };
        request.Headers.TryAddWithoutValidation("authorization", parts.Proof.Of(parts.Self.Node, epoch));
        request.Headers.TryAddWithoutValidation(PeerProof.NodeHeader, parts.Self.Node);
        request.Headers.TryAddWithoutValidation(
            PeerProof.EpochHeader, epoch.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation(
            PeerProof.VersionHeader, Wire.Peers.PeerFormat.Version.ToString(CultureInfo.InvariantCulture));
        var answered = client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, attempt.Token);
        using var response = await answered.WaitAsync(PeerTimes.ConnectWithin, parts.Time);
        Node = response.Headers.TryGetValues(PeerProof.NodeHeader, out var names) ? names.First() : null;
        if (response.StatusCode != HttpStatusCode.OK)
        {
            return Refusal(response, epoch);
        }

        if (Node is null || !all.Reached(this))
        {
            _doubleOf = Node;
            return Node is null ? "it is no gateway of this kind" : "";
        }

        sender.TellFrom(all.CursorOf(Node, EpochOf(response)));
        State = LinkState.Up;
        _problem = null;
        _news.Up(Node);
        _ = SettleAsync(Node, attempt.Token);

        // The peer says nothing: an end of its answer is the end of the stream.
        var body = await response.Content.ReadAsStreamAsync(attempt.Token);
        var ignored = new byte[64];
        while (await body.ReadAsync(ignored, attempt.Token) > 0)
        {
        }

        return null;
    }

    private async Task SettleAsync(string node, CancellationToken over)
    {
        await Task.Delay(PeerTimes.SettledAfter, parts.Time, over)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!over.IsCancellationRequested)
        {
            _news.Settled(node);
        }
    }

    private async Task SendAsync(Stream stream, PeerSender sender, CancellationTokenSource attempt)
    {
        using var tick = new PeriodicTimer(PeerTimes.BatchEvery, parts.Time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(attempt.Token, _leave.Token);
        try
        {
            do
            {
                await WriteAsync(stream, sender.Next(Now), PeerTimes.StalledAfter, attempt);
            }
            while (await tick.WaitForNextTickAsync(end.Token));
        }
        catch (OperationCanceledException) when (_leave.IsCancellationRequested && !attempt.IsCancellationRequested)
        {
            await WriteAsync(stream, sender.Farewell(Now), PeerTimes.LeaveWithin, attempt);
        }
    }

    private Instant Now => new(parts.Time.GetElapsedTime(0).Ticks * 100);

    private async Task WriteAsync(
        Stream stream, ReadOnlyMemory<byte> bytes, TimeSpan within, CancellationTokenSource attempt)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        try
        {
            await stream.WriteAsync(bytes, attempt.Token).AsTask().WaitAsync(within, parts.Time);
            await stream.FlushAsync(attempt.Token).WaitAsync(within, parts.Time);
        }
        catch (TimeoutException)
        {
            await attempt.CancelAsync();
            throw;
        }
    }

    private static string Refusal(HttpResponseMessage response, long epoch) => response.StatusCode switch
    {
        HttpStatusCode.MisdirectedRequest => EpochOf(response) == epoch ? "" : "it has the name of this gateway",
        HttpStatusCode.Unauthorized => "it has another secret",
        HttpStatusCode.UpgradeRequired => "it speaks another version",
        HttpStatusCode.Conflict => "it knows a later process of this gateway's name",
        HttpStatusCode.ServiceUnavailable => "it has too many peers, or stops",
        _ => string.Create(CultureInfo.InvariantCulture, $"it answers with status {(int)response.StatusCode}"),
    };

    /// <summary>Which process answered; -1 where it does not say.</summary>
    private static long EpochOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues(PeerProof.EpochHeader, out var epochs)
        && long.TryParse(epochs.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch) ? epoch : -1;

    private static string Reason(Exception e) => e switch
    {
        HttpRequestException { InnerException: { } inner } => inner.Message,
        HttpRequestException http => http.Message,
        _ => "it does not answer in time",
    };

    private sealed class PeerContent(Func<Stream, Task> send) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => send(stream);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
