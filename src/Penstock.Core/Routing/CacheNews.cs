using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>What events say about the cache of one replica, taken to the index; also who has the slot, and that it is
/// gone with its cache.</summary>
internal static class CacheNews
{
    public static void Apply(
        in PoolEvent happened, in PromptPrefix prompt, ref ReplicaLoad load, PrefixIndex index, PeerLoads peers,
        SessionTable sessions)
    {
        var replica = happened.Replica;
        switch (happened.Kind)
        {
            case PoolEventKind.CacheShaped:
                load.Shape = happened.Shape;
                index.Shape(replica, happened.Shape);
                EndDoubt(ref load, index, replica);

                // What was compared before was of an engine that had one, or was taken to.
                load.Trust = happened.Shape.Kind == CacheKind.Off ? new CacheTrust() : load.Trust;
                break;
            case PoolEventKind.CacheLost:
                index.Clear(replica);
                EndDoubt(ref load, index, replica);
                break;
            case PoolEventKind.CacheStored:
                index.Stored(replica, happened.Tier, prompt.Blocks);
                break;
            case PoolEventKind.CacheRemoved:
                index.Removed(replica, happened.Tier, prompt.Blocks);
                break;
            case PoolEventKind.CacheResident:
                var elsewhere = peers.IsEmpty ? default : peers.Sum(replica, happened.At, 0, out _);
                var untold = UntoldTokens.Most(in load, in elsewhere, happened.At);
                index.Resident(replica, happened.Tier, happened.Tokens + untold);
                break;
            case PoolEventKind.PeerPrefix:
                index.Heard(prompt.Blocks, replica, happened.At, happened.Teller);
                break;
            case PoolEventKind.PeerAnswered:
                var estimated = index.TokensOf(in prompt, happened.Teller);
                var report = PlausibleReport.Of(happened.Report, estimated);
                index.HeardAnswer(in prompt, replica, in report, happened.At, happened.Teller);
                break;
            case PoolEventKind.Named:
                load.Name = happened.Name;
                break;
            case PoolEventKind.Vacated:
                Check.That(load.InFlight == 0);
                load = ReplicaLoad.New with { Ineligible = Ineligible.Absent };
                index.Clear(replica);
                index.Shape(replica, default);
                index.Distrust(replica, false);
                peers.Forget(replica);
                sessions.Vacate(replica);
                break;
        }
    }

    /// <summary>Where the mirror was forgotten, what it was in doubt for is over with it.</summary>
    private static void EndDoubt(ref ReplicaLoad load, PrefixIndex index, int replica)
    {
        if (index.DoubtedSince(replica) == default)
        {
            load.Trust = load.Trust.Forgotten();
        }
    }
}
