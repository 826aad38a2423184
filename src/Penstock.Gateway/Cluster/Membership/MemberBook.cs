using System.Collections.Immutable;
using Penstock.Gateway.Cluster.Outgoing;

namespace Penstock.Gateway.Cluster.Membership;

/// <summary>
/// Who the other gateways are: those listed in the configuration, and those found in the store. Keeps a link to each.
/// Thread-safe.
/// </summary>
internal sealed class MemberBook(ClusterSelf self, PeerLinks links)
{
    private readonly Lock _lock = new();
    private ImmutableArray<Uri> _listed = [];
    private ImmutableArray<Member> _found = [];

    /// <summary>What the store said last, without this gateway.</summary>
    public ImmutableArray<Member> Found
    {
        get
        {
            lock (_lock)
            {
                return _found;
            }
        }
    }

    /// <summary>Other gateways, listed or found.</summary>
    public int Count => links.All.Count(l => l.State != LinkState.Needless);

    public void List(ImmutableArray<Uri> peers)
    {
        lock (_lock)
        {
            _listed = peers;
            Apply();
        }
    }

    public void Find(ImmutableArray<Member> members)
    {
        lock (_lock)
        {
            _found = [.. members.Where(m => m.Node != self.Node).Take(PeerNode.SeatsMax)];
            Apply();
        }
    }

    /// <summary>The store was gone for too long: of those found there, only those that are reached stay.</summary>
    public void Doubt()
    {
        lock (_lock)
        {
            var before = _found.Length;
            _found = [.. _found.Where(m => links.WasReached(m.Node, PeerTimes.ForgetAfter))];
            if (_found.Length != before)
            {
                Apply();
            }
        }
    }

    private void Apply() => links.Set(
        [.. _listed.Concat(_found.Select(m => m.Address)).Select(Root).Where(a => a != Own).Distinct()
            .Take(PeerNode.SeatsMax)]);

    private Uri? Own => self.Address is { } own ? Root(own) : null;

    // The same gateway written in two ways, with and without a slash, is one.
    private static Uri Root(Uri url) => new(url.GetLeftPart(UriPartial.Authority));
}
