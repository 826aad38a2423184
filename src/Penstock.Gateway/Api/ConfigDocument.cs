using System.Text.Json;
using Penstock.Gateway.Configuration;

namespace Penstock.Gateway.Api;

/// <summary>How the configuration stands: what <c>GET /admin/config</c> answers.</summary>
internal static class ConfigDocument
{
    public static void Write(ConfigStatus status, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("version", status.Version);
        json.WriteString("applied_at", status.AppliedAt);
        json.WriteString("checked_at", status.CheckedAt);
        json.WriteStartArray("errors");
        foreach (var error in status.LastErrors)
        {
            json.WriteStringValue(error.ToString());
        }

        json.WriteEndArray();
        json.WriteStartArray("restart_needed");
        foreach (var setting in status.RestartNeeded)
        {
            json.WriteStringValue(setting);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
