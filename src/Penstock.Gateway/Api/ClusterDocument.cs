using System.Text.Json;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Cluster.Incoming;
using Penstock.Gateway.Cluster.Outgoing;

namespace Penstock.Gateway.Api;

/// <summary>The other gateways as they are now: what <c>GET /admin/cluster</c> answers.</summary>
internal static class ClusterDocument
{
    /// <param name="cluster">Null where this gateway works alone.</param>
    /// <param name="json">Where it is written.</param>
    public static void Write(ClusterRoom? cluster, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("node", cluster?.Self.Node);
        if (cluster is not null)
        {
            json.WriteNumber("epoch", cluster.Self.Epoch);
            json.WriteString("address", cluster.Self.Address?.ToString());
            WriteDatabase(cluster, json);
        }

        json.WriteStartArray("links");
        foreach (var link in cluster is null ? [] : cluster.Links.All)
        {
            WriteLink(link, json);
        }

        json.WriteEndArray();
        json.WriteStartArray("peers");
        foreach (var view in cluster is null ? [] : cluster.Views.All)
        {
            WriteView(view, cluster!, json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteDatabase(ClusterRoom cluster, Utf8JsonWriter json)
    {
        if (cluster.Watch is not { } watch)
        {
            json.WriteNull("database");
            return;
        }

        json.WriteStartObject("database");
        json.WriteBoolean("answers", watch.Answers == true);
        json.WriteNumber("silent_ms", Milliseconds(watch.Silence));
        json.WriteStartArray("members");
        foreach (var member in cluster.Members.Found)
        {
            json.WriteStartObject();
            json.WriteString("node", member.Node);
            json.WriteString("address", member.Address.ToString());
            json.WriteNumber("epoch", member.Epoch);
            json.WriteString("started_at", member.StartedAt);
            json.WriteNumber("beat_age_ms", Milliseconds(member.BeatAge));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteLink(PeerLink link, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("address", link.Address.ToString());
        json.WriteString("node", link.Node);
        json.WriteString("state", link.State.ToString().ToLowerInvariant());
        json.WriteString("problem", link.Problem);
        json.WriteEndObject();
    }

    private static void WriteView(PeerView view, ClusterRoom cluster, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("node", view.Node.Name);
        json.WriteNumber("epoch", view.Epoch);
        json.WriteBoolean("heard", view.Here);
        json.WriteNumber("age_ms", Milliseconds(view.Age(cluster.Views.Now)));
        json.WriteNumber("in_flight", view.InFlight);
        json.WriteEndObject();
    }

    private static double Milliseconds(TimeSpan span) => Math.Round(span.TotalMilliseconds, 1);
}
