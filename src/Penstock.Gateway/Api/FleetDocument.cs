using System.Text.Json;
using Penstock.Core.Routing;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Api;

/// <summary>Pools and replicas as they are now: what <c>GET /admin/fleet</c> answers.</summary>
internal static class FleetDocument
{
    public static void Write(Fleet fleet, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("snapshot_version", fleet.Snapshot.Version);
        json.WriteStartArray("pools");
        foreach (var pool in fleet.Pools)
        {
            WritePool(pool, json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WritePool(Pool pool, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("name", pool.Snapshot.Name);
        json.WriteString("model", pool.Snapshot.Model);
        json.WriteString("provider", pool.Snapshot.Provider);
        json.WriteString("region", pool.Snapshot.Region);
        json.WriteString("policy", pool.Policy.Name);
        SloDocument.Write(pool.Snapshot.Slo, json);
        json.WriteBoolean("simulated", pool.Snapshot.Simulated);

        // With those at replicas that a reload took out and that finish what they have.
        json.WriteNumber("in_flight", pool.InFlight);
        json.WriteStartArray("replicas");
        foreach (var view in pool.Look())
        {
            var (replica, load) = (view.Replica, view.Load);
            json.WriteStartObject();
            json.WriteString("name", replica.Name);
            json.WriteString("url", replica.Endpoint.ToString());
            json.WriteString("accelerator", replica.Snapshot.Accelerator ?? pool.Snapshot.Accelerator);
            json.WriteString("engine", replica.Identity?.Adapter.Name);
            json.WriteString("engine_version", replica.Identity?.Version);
            json.WriteString("health", replica.Health.Status.ToString().ToLowerInvariant());
            json.WriteNumber("in_flight", load.InFlight);
            json.WriteNumber("prefill_tokens", load.PrefillTokens);
            json.WriteNumber("decode_tokens", load.DecodeTokens);
            json.WriteNumber("reported_running", load.Reported.Running);
            json.WriteNumber("reported_waiting", load.Reported.Waiting);
            json.WriteNumber("prefill_tokens_per_second", Math.Round(load.PrefillRate, 1));
            json.WriteNumber("seconds_per_token", Math.Round(load.SecondsPerToken, 6));
            WriteCache(in view, json);
            WriteCacheEvents(replica.Cache.Status(), json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteCacheEvents(in FeedStatus status, Utf8JsonWriter json)
    {
        json.WriteStartObject("cache_events");
        json.WriteString("state", status.StateName);
        json.WriteNumber("batches", status.Batches);
        json.WriteNumber("blocks", status.Blocks);
        json.WriteNumber("gaps", status.Gaps);
        json.WriteNumber("resets", status.Resets);
        json.WriteNumber("faults", status.Faults);
        json.WriteNumber("replays", status.Replays);
        json.WriteNumber("unknown_events", status.UnknownEvents);
        json.WriteNumber("broken_events", status.BrokenEvents);
        json.WriteNumber("bugs", status.Bugs);
        if (status.ResidentTokens is { } resident)
        {
            json.WriteNumber("resident_tokens", resident);
        }

        if (status.IsLate)
        {
            json.WriteBoolean("late", true);
        }

        if (status.LastEvent is { } last)
        {
            json.WriteNumber("cache_event_age_ms", Math.Round(last.TotalMilliseconds));
        }

        json.WriteEndObject();
    }

    /// <summary>What is believed of a replica's prefix cache, and how that compares with what its answers reported.
    /// </summary>
    private static void WriteCache(in ReplicaView view, Utf8JsonWriter json)
    {
        var (load, mirror) = (view.Load, view.Mirror);
        json.WriteStartObject("cache");
        json.WriteString("kind", load.Shape.Kind.ToString().ToLowerInvariant());
        json.WriteNumber("capacity_tokens", load.Shape.CapacityTokens);
        json.WriteNumber("block_tokens", load.Shape.BlockTokens);
        json.WriteNumber("remembered_blocks", mirror.Blocks);
        json.WriteNumber("remembered_blocks_max", mirror.BlocksMax);
        json.WriteNumber("remembered_tokens", mirror.Tokens);
        json.WriteNumber("remembered_tokens_max", mirror.CapacityTokens);
        json.WriteNumber("held_by_requests", mirror.Pins);
        json.WriteNumber("overflows", mirror.Overflows);
        json.WriteString("trust", load.Trust.Level.ToString().ToLowerInvariant());
        json.WriteBoolean("alarm", load.Trust.IsAlarming);
        json.WriteNumber("restarts", load.Trust.Restarts);
        json.WriteNumber("predicted_tokens", load.PredictedTokens);
        json.WriteNumber("reported_tokens", load.CachedTokens);
        json.WriteEndObject();
    }
}
