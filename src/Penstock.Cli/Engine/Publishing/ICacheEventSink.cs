using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine.Publishing;

/// <summary>Where the cache events of an engine go. Called under the engine's lock: it must not wait.</summary>
internal interface ICacheEventSink
{
    /// <summary>What happened since the last call, in order.</summary>
    void Publish(ReadOnlySpan<CacheEvent> events);

    /// <summary>The engine's process died and is there again.</summary>
    void Restart();
}
