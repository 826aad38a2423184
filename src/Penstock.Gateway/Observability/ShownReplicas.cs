using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Observability;

/// <summary>The replicas that metrics show one by one: of a fleet with more than <see cref="Max"/> the first.</summary>
internal static class ShownReplicas
{
    /// <summary>Replicas shown at most, so that every instrument stays below its own limit of series.</summary>
    public const int Max = 300;

    /// <summary>What is looked at of each, with its labels.</summary>
    /// <param name="fleet">All replicas.</param>
    /// <param name="look">What there is in a pool.</param>
    /// <param name="of">Whose it is.</param>
    public static IEnumerable<Shown<T>> Each<T>(
        FleetRuntime fleet, Func<Pool, IEnumerable<T>> look, Func<T, Replica> of) =>
        fleet.Current.Pools
            .SelectMany(pool => look(pool).Select(seen => new Shown<T>(
                seen,
                [
                    new("model", pool.Snapshot.Model), new("pool", pool.Snapshot.Name),
                    new("replica", of(seen).Name),
                ])))
            .Take(Max);
}

/// <summary>Something of one replica, and the labels that it is shown under.</summary>
internal sealed record Shown<T>(T Seen, KeyValuePair<string, object?>[] Labels);
