using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

/// <summary>How the configuration stands: what is in force, and what was refused since.</summary>
/// <param name="Version">The version in force, from 1.</param>
/// <param name="AppliedAt">When it came into force.</param>
/// <param name="CheckedAt">When a document was last read, whatever came of it.</param>
/// <param name="LastErrors">What is wrong with the document as it is now; empty where it is the one in force.</param>
/// <param name="RestartNeeded">Settings that changed since the process started and wait for a restart.</param>
public sealed record ConfigStatus(
    long Version,
    DateTimeOffset AppliedAt,
    DateTimeOffset CheckedAt,
    ImmutableArray<ConfigError> LastErrors,
    ImmutableArray<string> RestartNeeded);

/// <summary>
/// Holds the snapshot in force. A new document replaces it whole, and only where nothing is wrong with it; otherwise
/// nothing changes and <see cref="Status"/> says why. Thread-safe: readers take <see cref="Current"/> without a lock,
/// changes are applied one after the other.
/// </summary>
public sealed class FleetSource
{
    // The status has all of them; a log line each for the first is enough to find the place.
    private const int LoggedMax = 20;

    private readonly Lock _applying = new();
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly PenstockConfig _startedWith;
    private InForce _inForce;
    private ConfigStatus _status;

    private FleetSource(PenstockConfig document, FleetSnapshot snapshot, TimeProvider time, ILogger log)
    {
        _time = time;
        _log = log;
        _startedWith = document;
        _inForce = new(document, snapshot);
        var now = time.GetUtcNow();
        _status = new(snapshot.Version, now, now, [], []);
    }

    /// <summary>
    /// Raised after a new snapshot came into force, on the thread that applied it, before the next one can come. A
    /// handler that throws is logged and harms neither the change nor the other handlers.
    /// </summary>
    public event Action<FleetSnapshot>? Changed;

    /// <summary>The snapshot in force. A request takes it once and keeps it.</summary>
    public FleetSnapshot Current => Volatile.Read(ref _inForce).Snapshot;

    /// <summary>The document that <see cref="Current"/> was compiled from.</summary>
    public PenstockConfig Document => Volatile.Read(ref _inForce).Document;

    public ConfigStatus Status => Volatile.Read(ref _status);

    /// <summary>A source over a first document; null where that has errors.</summary>
    public static FleetSource? TryCreate(ConfigLoad first, TimeProvider time, ILogger<FleetSource> log) =>
        first is { Document: { } document, Snapshot: { } snapshot } ? new(document, snapshot, time, log) : null;

    /// <summary>
    /// Applies a document made in memory, such as one with the models that probing found. Returns what is wrong with
    /// it; empty where it is in force now.
    /// </summary>
    public ImmutableArray<ConfigError> Apply(PenstockConfig document, SecretValues secrets) =>
        Apply(version => ConfigLoader.FromDocument(document, version, secrets));

    /// <summary>
    /// Loads with the next version number and, where nothing is wrong, swaps. Returns what is wrong; empty: in force.
    /// </summary>
    public ImmutableArray<ConfigError> Apply(Func<long, ConfigLoad> load)
    {
        lock (_applying)
        {
            var loaded = load(_status.Version + 1);
            if (loaded is not { Document: { } document, Snapshot: { } snapshot })
            {
                Refuse(loaded.Errors);
                return loaded.Errors;
            }

            var now = _time.GetUtcNow();
            var restart = SettingWalk.RestartNeeded(_startedWith, document);
            Volatile.Write(ref _inForce, new(document, snapshot));
            Announce(snapshot);

            // Not before: who reads of a version in the status finds requests served by it.
            Volatile.Write(ref _status, new(snapshot.Version, now, now, [], restart));
            ConfigLog.Applied(_log, snapshot.Version, snapshot.ModelList.Length, snapshot.Pools.Length);
            if (!restart.IsEmpty)
            {
                ConfigLog.RestartNeeded(_log, string.Join(", ", restart));
            }

            return [];
        }
    }

    /// <summary>Keeps what is in force and says what was wrong with its successor.</summary>
    internal void Refuse(ImmutableArray<ConfigError> errors)
    {
        lock (_applying)
        {
            Volatile.Write(ref _status, _status with { CheckedAt = _time.GetUtcNow(), LastErrors = errors });
            ConfigLog.Refused(_log, errors.Length, _status.Version);
            foreach (var error in errors.AsSpan(0, Math.Min(errors.Length, LoggedMax)))
            {
                ConfigLog.RefusedBecause(_log, error);
            }
        }
    }

    private void Announce(FleetSnapshot snapshot)
    {
        foreach (var handler in Changed?.GetInvocationList() ?? [])
        {
            try
            {
                ((Action<FleetSnapshot>)handler)(snapshot);
            }
#pragma warning disable CA1031 // The handlers are not ours: whatever one throws must not undo an applied change.
            catch (Exception e)
#pragma warning restore CA1031
            {
                ConfigLog.HandlerFailed(_log, snapshot.Version, e);
            }
        }
    }

    private sealed record InForce(PenstockConfig Document, FleetSnapshot Snapshot);
}
