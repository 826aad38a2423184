using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Penstock.Core.Config;
using Penstock.Engines;
using Penstock.Engines.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Gateway.CacheSync;

/// <summary>
/// What of one replica is listened to, out of what is configured and what its engine says of itself. What is
/// configured goes first, and it alone can name another host than the replica's own. Immutable.
/// </summary>
internal sealed record FeedPlan
{
    public static FeedPlan Nothing { get; } = new();

    /// <summary>Publishers of cache events, one a data-parallel rank.</summary>
    public ImmutableArray<KvSubscriptionSettings> Events { get; init; } = [];

    /// <summary>Publishers of load, one a rank.</summary>
    public ImmutableArray<KvSubscriptionSettings> Loads { get; init; } = [];

    /// <summary>Events are fetched from the engine's HTTP endpoint.</summary>
    public bool Drains { get; init; }

    /// <summary>Events could be fetched, and are not, because other gateways may want them.</summary>
    public bool LeavesAlone { get; init; }

    /// <summary>Blocks are named and made of pairs of tokens: they have none of the router's keys.</summary>
    public bool TokenPairs { get; init; }

    /// <summary>Something is heard of the cache.</summary>
    public bool TellsCache => !Events.IsEmpty || Drains;

    public bool IsNothing => Events.IsEmpty && Loads.IsEmpty && !Drains;

    /// <param name="wanted">What is configured.</param>
    /// <param name="engine">What the engine was found to be.</param>
    /// <param name="host">Where requests to it go.</param>
    public static FeedPlan Of(KvEventsSnapshot wanted, EngineIdentity engine, string host)
    {
        if (!wanted.Enabled)
        {
            return Nothing;
        }

        var told = engine.KvEvents;
        var drainable = told?.Channel == KvEventChannel.HttpDrain && wanted.Endpoint is null;
        var plan = told is null ? Nothing : new FeedPlan
        {
            Drains = drainable && wanted.Drains,
            LeavesAlone = drainable && !wanted.Drains,
            TokenPairs = told.TokenPairs,
            Loads = [.. told.LoadEndpoints.Select((address, rank) =>
                Dialled(PointOf(address, host), rank, null, told.LoadTopic))],
        };
        if (wanted.Endpoint is { } endpoint)
        {
            var ranks = wanted.Ranks ?? Math.Clamp(engine.Cache.Ranks, 1, KvEventsSnapshot.RanksMax);
            return plan with
            {
                Events = [.. Enumerable.Range(0, ranks).SelectMany(r => Configured(wanted, endpoint, r, host))],
            };
        }

        return told?.Channel != KvEventChannel.Zmq ? plan : plan with
        {
            Events =
            [
                .. told.Endpoints.Take(wanted.Ranks ?? KvEventsSnapshot.RanksMax).Select((address, rank) =>
                    Dialled(
                        PointOf(address, host), rank, ReplayOf(wanted, told, rank, host),
                        TopicOf(wanted, told.Topic))),
            ],
        };
    }

    /// <summary>Listens to the same in the same way.</summary>
    public bool IsSameAs(FeedPlan other) =>
        Drains == other.Drains && LeavesAlone == other.LeavesAlone && TokenPairs == other.TokenPairs
        && Events.SequenceEqual(other.Events) && Loads.SequenceEqual(other.Loads);

    /// <summary>Rank r has the port + r, whoever connects.</summary>
    private static IEnumerable<KvSubscriptionSettings> Configured(
        KvEventsSnapshot wanted, TcpAddress endpoint, int rank, string host)
    {
        var port = endpoint.Port + rank;
        if (port > ushort.MaxValue)
        {
            yield break;
        }

        var name = endpoint.IsBoundHere ? IPAddress.Any.ToString() : endpoint.HostOf(host);
        yield return new KvSubscriptionSettings
        {
            Endpoint = new KvEndpoint(new DnsEndPoint(name, port), endpoint.IsBoundHere),

            // Where we are bound, the subscription adds the rank that the publisher says it has.
            Replay = ReplayAt(wanted.Replay, endpoint.IsBoundHere ? 0 : rank, host),
            Topic = wanted.Topic,
            Rank = rank,
            WireLimits = endpoint.IsBoundHere ? ZmtpLimits.Bound : ZmtpLimits.Default,
        };
    }

    private static KvSubscriptionSettings Dialled(
        DnsEndPoint point, int rank, DnsEndPoint? replay, string topic) => new()
    {
        Endpoint = new KvEndpoint(point, IsBoundHere: false),
        Replay = replay,
        Topic = topic,
        Rank = rank,
    };

    private static DnsEndPoint? ReplayOf(KvEventsSnapshot wanted, KvEventSource told, int rank, string host) =>
        ReplayAt(wanted.Replay, rank, host)
        ?? (rank < told.ReplayEndpoints.Length ? PointOf(told.ReplayEndpoints[rank], host) : null);

    private static DnsEndPoint? ReplayAt(TcpAddress? replay, int rank, string host) =>
        replay is null || replay.Port + rank > ushort.MaxValue
            ? null
            : new DnsEndPoint(replay.HostOf(host), replay.Port + rank);

    private static string TopicOf(KvEventsSnapshot wanted, string told) =>
        wanted.Topic.Length > 0 ? wanted.Topic : told;

    /// <summary>What an engine says of itself is the port: where it is, the configuration says, and no engine has us
    /// connect elsewhere.</summary>
    private static DnsEndPoint PointOf(string address, string host) =>
        new(host, int.Parse(
            address.AsSpan(address.LastIndexOf(':') + 1), NumberStyles.None, CultureInfo.InvariantCulture));
}
