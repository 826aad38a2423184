using System.Text;

namespace Penstock.Engines.KvEvents;

/// <summary>
/// The sources of one subscription. Where the engine listens there is one, whatever its batches say of themselves: one
/// publisher is one numbering. Where engines connect to us, one for each topic and rank. Safe from any thread.
/// </summary>
/// <remarks>Each connection may speak for <see cref="KvSubscriptionSettings.PublishersMax"/> of them, and as many are
/// kept that nobody speaks for any more, since their numbers go on where one connects again. So nobody can take the
/// place of those who come after.</remarks>
internal sealed class KvSourceTable(KvSubscriptionSettings settings)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Topic, int Rank), KvSource> _sources = [];
    private long _made;

    /// <summary>The one source of an endpoint that we connect to; null where there may be several.</summary>
    public KvSource? Single { get; } = settings.Endpoint.IsBoundHere ? null : new KvSource("", settings.Rank);

    public IReadOnlyList<KvSource> All
    {
        get
        {
            lock (_lock)
            {
                return Single is null ? [.. _sources.Values] : [Single];
            }
        }
    }

    /// <summary>The source of a topic and rank, for which <paramref name="speaker"/> speaks from now on; null where
    /// that one speaks for too many.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="rank">The rank.</param>
    /// <param name="speaker">The connection.</param>
    /// <param name="left">One that nobody speaks for, and that is given up: nothing learned from it holds.</param>
    public KvSource? Find(ReadOnlySpan<byte> topic, int rank, KvConnection speaker, out KvSource? left)
    {
        left = null;
        var key = (Encoding.UTF8.GetString(topic), rank);
        lock (_lock)
        {
            if (!_sources.TryGetValue(key, out var source))
            {
                if (_sources.Values.Count(s => ReferenceEquals(s.Speaker, speaker)) >= settings.PublishersMax)
                {
                    return null;
                }

                left = TakeLeft(rank);
                source = new KvSource(key.Item1, rank) { Ordinal = ++_made };
                _sources.Add(key, source);
            }

            source.Speaker = speaker;
            return source;
        }
    }

    /// <summary>An engine that is started anew under another name takes the place that it had; beyond that the oldest
    /// goes where there are too many.</summary>
    private KvSource? TakeLeft(int rank)
    {
        var left = _sources.Values.Where(static s => s.IsLeft).OrderBy(static s => s.Ordinal).ToList();
        var leaver = left.Find(s => s.Rank == rank) ?? (left.Count >= settings.PublishersMax ? left[0] : null);
        if (leaver is not null)
        {
            _sources.Remove((leaver.Topic, leaver.Rank));
        }

        return leaver;
    }
}
