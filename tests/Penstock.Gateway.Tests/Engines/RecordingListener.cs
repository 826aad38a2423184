using System.Threading.Channels;
using Penstock.Core.Primitives;
using Penstock.Core.Replicas;
using Penstock.Engines;
using Penstock.Engines.Watching;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>Keeps what the watches say, in order, and lets a test wait for the next word.</summary>
internal sealed class RecordingListener : IReplicaListener
{
    private readonly Channel<HealthStatus> _statuses = Channel.CreateUnbounded<HealthStatus>();
    private readonly Channel<EngineIdentity> _identities = Channel.CreateUnbounded<EngineIdentity>();
    private readonly Channel<Exception> _faults = Channel.CreateUnbounded<Exception>();
    private readonly Channel<LoadReport?> _loads = Channel.CreateUnbounded<LoadReport?>();

    public ValueTask<HealthStatus> NextStatusAsync() => _statuses.Reader.ReadAsync(Wires.Guard);

    public ValueTask<EngineIdentity> NextIdentityAsync() => _identities.Reader.ReadAsync(Wires.Guard);

    public ValueTask<LoadReport?> NextLoadAsync() => _loads.Reader.ReadAsync(Wires.Guard);

    public ValueTask<Exception> NextFaultAsync() => _faults.Reader.ReadAsync(Wires.Guard);

    /// <summary>When the last status was entered.</summary>
    public Instant LastChangeAt { get; private set; }

    public void HealthChanged(ReplicaHealth before, ReplicaHealth after, Instant at)
    {
        LastChangeAt = at;
        _statuses.Writer.TryWrite(after.Status);
    }

    public void Identified(EngineIdentity identity, Instant at) => _identities.Writer.TryWrite(identity);

    public void LoadRead(LoadReport? report, Instant at) => _loads.Writer.TryWrite(report);

    public void Faulted(Exception bug, Instant at) => _faults.Writer.TryWrite(bug);
}
