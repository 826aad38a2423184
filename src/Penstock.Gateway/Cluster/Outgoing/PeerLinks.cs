using System.Collections.Immutable;

namespace Penstock.Gateway.Cluster.Outgoing;

/// <summary>The links to all members: one for each address. Thread-safe.</summary>
internal sealed class PeerLinks : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly LinkParts _parts;
    private readonly HttpClient _client;
    private readonly Dictionary<Uri, PeerLink> _links = [];
    private readonly Dictionary<string, PeerLink> _reached = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NewsCursor> _told = new(StringComparer.Ordinal);
    private readonly List<Task> _ending = [];
    private bool _ended;

    public PeerLinks(LinkParts parts)
    {
        _parts = parts;
        _client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = PeerTimes.ConnectWithin,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = 16,

            // A connection whose other end vanished without a word is noticed by its silence.
            KeepAlivePingDelay = PeerTimes.SilentAfter,
            KeepAlivePingTimeout = PeerTimes.StalledAfter,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>The links as they are.</summary>
    public ImmutableArray<PeerLink> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _links.Values.OrderBy(l => l.Address.ToString(), StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Links that carry a stream.</summary>
    public int Up => All.Count(l => l.State == LinkState.Up);

    /// <summary>Makes links to new addresses and ends those to addresses that are gone.</summary>
    public void Set(IReadOnlyCollection<Uri> addresses)
    {
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }

            _ending.RemoveAll(t => t.IsCompleted);
            foreach (var (address, link) in _links.Where(l => !addresses.Contains(l.Key)).ToList())
            {
                _links.Remove(address);
                _ending.Add(link.DisposeAsync().AsTask());
            }

            foreach (var address in addresses.Where(a => !_links.ContainsKey(a)))
            {
                var link = new PeerLink(address, _client, _parts, this);
                _links.Add(address, link);
                link.Start();
            }
        }
    }

    /// <summary>Whether a stream goes to the node of this name.</summary>
    public bool IsReached(string node)
    {
        lock (_lock)
        {
            return _reached.ContainsKey(node);
        }
    }

    /// <summary>Whether a stream goes to the node, or did a moment ago.</summary>
    public bool WasReached(string node, TimeSpan within) => All.Any(l => l.Node == node
        && (l.State == LinkState.Up || (l.UpUntil is { } at && _parts.Time.GetElapsedTime(at) < within)));

    /// <summary>Takes note that a link reaches its node. False where another one does already: one is enough.</summary>
    public bool Reached(PeerLink link)
    {
        lock (_lock)
        {
            return _reached.TryAdd(link.Node!, link) || _reached[link.Node!] == link;
        }
    }

    /// <summary>Where a new stream goes on with what happened here: where the last one to the same process was, over
    /// whatever link. Another process is told all that there is.</summary>
    public NewsCursor CursorOf(string node, long epoch)
    {
        lock (_lock)
        {
            var last = _told.GetValueOrDefault(node);
            if (last is null && _told.Count >= 2 * PeerNode.SeatsMax)
            {
                // Names that are drawn at each start would add up.
                foreach (var gone in _told.Keys.Where(n => !_reached.ContainsKey(n)).ToList())
                {
                    _told.Remove(gone);
                }
            }

            return _told[node] = new NewsCursor(epoch, last?.Epoch == epoch ? last.Position : -1);
        }
    }

    public void Released(PeerLink link)
    {
        lock (_lock)
        {
            if (link.Node is { } node && _reached.GetValueOrDefault(node) == link)
            {
                _reached.Remove(node);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] ending;
        lock (_lock)
        {
            _ended = true;
            ending = [.. _ending, .. _links.Values.Select(l => l.DisposeAsync().AsTask())];
            _links.Clear();
        }

        await Task.WhenAll(ending);
        _client.Dispose();
    }
}
