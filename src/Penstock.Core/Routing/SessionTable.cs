using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// Where the sessions that clients name were last served. Four-way buckets in which the one longest unused makes room,
/// so that it is bounded and never searched.
/// </summary>
public sealed class SessionTable
{
    private const int Buckets = 16_384;
    private const int Ways = 4;

    private readonly Entry[] _entries = new Entry[Buckets * Ways];

    /// <summary>The replica that last served the session; −1 where that is not known, or was longer ago than
    /// <paramref name="within"/>.</summary>
    public int Find(ulong session, Instant now, TimeSpan within)
    {
        foreach (ref readonly var entry in Bucket(session))
        {
            if (session != 0 && entry.Session == session && now - entry.At <= within)
            {
                return entry.Replica;
            }
        }

        return -1;
    }

    /// <summary>A request of the session was sent to the replica. After one that sums up what was said the session
    /// starts over: what it sent before will not come again.</summary>
    internal void Sent(ulong session, RequestClass work, int replica, Instant now)
    {
        if (work == RequestClass.Compaction)
        {
            Forget(session);
        }
        else if (session != 0)
        {
            Note(session, replica, now);
        }
    }

    private void Note(ulong session, int replica, Instant now)
    {
        var bucket = Bucket(session);
        var at = 0;
        for (var i = 0; i < Ways; i++)
        {
            if (bucket[i].Session == session)
            {
                at = i;
                break;
            }

            at = bucket[i].At < bucket[at].At ? i : at;
        }

        bucket[at] = new Entry(session, now, replica);
    }

    private void Forget(ulong session)
    {
        foreach (ref var entry in Bucket(session))
        {
            if (entry.Session == session)
            {
                entry = default;
            }
        }
    }

    /// <summary>The replica is gone: no session was served there.</summary>
    internal void Vacate(int replica)
    {
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry.Session != 0 && entry.Replica == replica)
            {
                entry = default;
            }
        }
    }

    internal void Save(StateWriter to) => to.WriteAll<Entry>(_entries);

    internal void Load(ref StateReader from) => from.ReadAll<Entry>(_entries);

    private Span<Entry> Bucket(ulong session) =>
        _entries.AsSpan((int)(session % Buckets) * Ways, Ways);

    private readonly record struct Entry(ulong Session, Instant At, int Replica);
}
