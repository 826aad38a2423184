using System.Collections.Concurrent;
using System.Text;

namespace Penstock.Engines.KvEvents;

/// <summary>The sources of one subscription. Where the engine listens there is one, whatever its batches say of
/// themselves: one publisher is one numbering. Where engines connect to us, one for each topic and rank.</summary>
internal sealed class KvSourceTable(KvSubscriptionSettings settings)
{
    private readonly ConcurrentDictionary<(string Topic, int Rank), KvSource> _sources = new();

    /// <summary>The one source of an endpoint that we connect to; null where there may be several.</summary>
    public KvSource? Single { get; } = settings.Endpoint.IsBoundHere ? null : new KvSource("", settings.Rank);

    public IEnumerable<KvSource> All => Single is null ? _sources.Values : [Single];

    /// <summary>The source of a topic and rank; null where there are too many.</summary>
    public KvSource? Find(ReadOnlySpan<byte> topic, int rank)
    {
        var key = (Encoding.UTF8.GetString(topic), rank);
        if (_sources.TryGetValue(key, out var source))
        {
            return source;
        }

        return _sources.Count < settings.PublishersMax
            ? _sources.GetOrAdd(key, static k => new KvSource(k.Topic, k.Rank))
            : null;
    }
}
