using Penstock.Core.Primitives;
using Penstock.Core.Replicas;

namespace Penstock.Engines.Watching;

/// <summary>
/// Learns what the watches of one replica find out. Calls for one replica never overlap and come in the order in which
/// the beliefs changed; they may come from the thread that reported a signal. They must return at once and must not
/// call the watch back.
/// </summary>
public interface IReplicaListener
{
    /// <summary>The belief about the replica changed in a way that matters to routing or to people, or is repeated.
    /// </summary>
    void HealthChanged(ReplicaHealth before, ReplicaHealth after, Instant at);

    /// <summary>It is known what the engine is: for the first time, or again after it was away.</summary>
    void Identified(EngineIdentity identity, Instant at);

    /// <summary>The engine told its load; null: it did not, and what it told before is now old.</summary>
    void LoadRead(LoadReport? report, Instant at);

    /// <summary>A bug in an adapter surfaced. It counts as a failed probe or as no load; the watch goes on.</summary>
    void Faulted(Exception bug, Instant at);
}
