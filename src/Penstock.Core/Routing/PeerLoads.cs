using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// What the other nodes last said that they have in flight at each replica. A view that is old is counted as more:
/// its node is taken to have gone on sending as this one did.
/// </summary>
internal sealed class PeerLoads(int replicas)
{
    /// <summary>Other nodes at most; more are not counted.</summary>
    public const int NodesMax = 64;

    /// <summary>Seconds beyond which a view does not grow any more.</summary>
    private const double AgeMax = 3;

    private readonly View[]?[] _nodes = new View[NodesMax][];
    private int _nodesEnd;

    public bool IsEmpty => _nodesEnd == 0;

    /// <summary>A node says what it has in flight at a replica. What that shows of the replica's prefill goes to
    /// <paramref name="load"/>.</summary>
    public void Set(in PoolEvent told, ref ReplicaLoad load)
    {
        if ((uint)told.Node >= NodesMax)
        {
            return;
        }

        var views = _nodes[told.Node] ??= new View[replicas];
        ref var view = ref views[told.Replica];
        if (told.Share.PrefillTokens < view.Share.PrefillTokens)
        {
            LoadRates.FirstTokenElsewhere(ref load, told.At);
        }

        view = new View(told.Share, told.At, Known: true);
        _nodesEnd = Math.Max(_nodesEnd, told.Node + 1);
    }

    /// <summary>What the node said was still so at <paramref name="at"/>.</summary>
    public void Hear(int node, Instant at)
    {
        if ((uint)node < NodesMax && _nodes[node] is { } views)
        {
            foreach (ref var view in views.AsSpan())
            {
                view = view.Known && at > view.At ? view with { At = at } : view;
            }
        }
    }

    /// <summary>A node is gone, and with it all that it had in flight.</summary>
    public void Remove(int node)
    {
        if ((uint)node < NodesMax && _nodes[node] is { } views)
        {
            Array.Clear(views);
        }
    }

    /// <summary>The replica is gone.</summary>
    public void Forget(int replica)
    {
        for (var node = 0; node < _nodesEnd; node++)
        {
            if (_nodes[node] is { } views)
            {
                views[replica] = default;
            }
        }
    }

    /// <summary>The sum of all views of one replica at an instant.</summary>
    /// <param name="replica">The replica's slot.</param>
    /// <param name="now">The present.</param>
    /// <param name="rate">Uncached prompt tokens a second that this node sends there.</param>
    /// <param name="age">Seconds since the oldest view; 0 where there is none.</param>
    public PeerShare Sum(int replica, Instant now, double rate, out double age)
    {
        var sum = default(PeerShare);
        age = 0;
        for (var node = 0; node < _nodesEnd; node++)
        {
            if (_nodes[node] is not { } views || !views[replica].Known)
            {
                continue;
            }

            ref readonly var view = ref views[replica];
            var since = Math.Max(0, (now - view.At).TotalSeconds);
            var unseen = Math.Min(since, AgeMax);
            age = Math.Max(age, since);
            sum = new PeerShare(
                sum.InFlight + view.Share.InFlight,
                sum.PrefillTokens + view.Share.PrefillTokens + (long)(rate * unseen),
                sum.DecodeTokens + view.Share.DecodeTokens);
        }

        return sum;
    }

    public void Save(StateWriter to)
    {
        to.Write(_nodesEnd);
        for (var node = 0; node < _nodesEnd; node++)
        {
            to.WriteAll<View>(_nodes[node]);
        }
    }

    public void Load(ref StateReader from)
    {
        _nodesEnd = Math.Clamp(from.Read<int>(), 0, NodesMax);
        for (var node = 0; node < _nodesEnd; node++)
        {
            var views = new View[replicas];
            _nodes[node] = from.ReadAll<View>(views) == 0 ? null : views;
        }
    }

    private readonly record struct View(PeerShare Share, Instant At, bool Known);
}
