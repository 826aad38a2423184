using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Penstock.Gateway.Identity;
using Penstock.Gateway.Observability;

namespace Penstock.Gateway.Api;

/// <summary>
/// The operators' port: health and metrics for machines, and under <c>/admin</c>, for keys with admin rights, the
/// decisions, the usage, the fleet and the configuration as it stands.
/// </summary>
internal sealed class AdminPort(ObservedRooms rooms, MetricsPage metrics)
{
    private const string DecisionPrefix = "/admin/decisions/";
    private const int DecisionsDefault = 50;
    private const int DecisionsMax = 1000;

    private static readonly JsonWriterOptions JsonForm =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public Task HandleAsync(HttpContext http)
    {
        var path = http.Request.Path.Value ?? "";
        return path switch
        {
            "/livez" => TextAsync(http, StatusCodes.Status200OK, "ok\n"),
            "/readyz" => ReadyAsync(http),
            "/metrics" => metrics.WriteAsync(http),
            _ when !path.StartsWith("/admin/", StringComparison.Ordinal) => NotFoundAsync(http),
            _ => AdminAsync(http, path),
        };
    }

    private Task AdminAsync(HttpContext http, string path)
    {
        var key = KeyRing.Identify(http.Request.Headers, rooms.Fleet.Current.Snapshot);
        if (key is null || !key.Admin)
        {
            return ErrorAsync(
                http,
                key is null ? StatusCodes.Status401Unauthorized : StatusCodes.Status403Forbidden,
                key is null ? "an admin key is needed, as x-api-key or bearer token" : "this key has no admin rights");
        }

        return path switch
        {
            "/admin/decisions" => DecisionsAsync(http),
            "/admin/usage" => UsageAsync(http),
            "/admin/fleet" => JsonAsync(http, json => FleetDocument.Write(rooms.Fleet.Current, json)),
            "/admin/cluster" => JsonAsync(http, json => ClusterDocument.Write(rooms.Cluster, json)),
            "/admin/config" => JsonAsync(http, json => ConfigDocument.Write(rooms.Config.Status, json)),
            _ when path.StartsWith(DecisionPrefix, StringComparison.Ordinal) =>
                DecisionAsync(http, path[DecisionPrefix.Length..]),
            _ => NotFoundAsync(http),
        };
    }

    private Task ReadyAsync(HttpContext http)
    {
        var why = rooms.Flow.Draining ? "draining\n"
            : rooms.Fleet.IsRoutable ? "ok\n"
            : "no replica can take requests\n";
        return TextAsync(
            http, why == "ok\n" ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, why);
    }

    private Task DecisionAsync(HttpContext http, string id)
    {
        var record = rooms.Decisions.Find(id) ?? rooms.Decisions.FindByRequest(id);
        return record is null
            ? ErrorAsync(http, StatusCodes.Status404NotFound, $"no decision {id} is known, or no longer")
            : JsonAsync(http, json => DecisionDocument.Write(record, json));
    }

    private Task DecisionsAsync(HttpContext http)
    {
        var limit = DecisionsDefault;
        var asked = http.Request.Query["limit"];
        var good = asked.Count == 0
            || (int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out limit)
                && limit is > 0 and <= DecisionsMax);
        return good
            ? JsonAsync(http, json => WriteDecisions(limit, json))
            : ErrorAsync(http, StatusCodes.Status400BadRequest, $"limit is a number from 1 to {DecisionsMax}");
    }

    private void WriteDecisions(int limit, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("decisions");
        foreach (var record in rooms.Decisions.Latest(limit))
        {
            DecisionDocument.Write(record, json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private async Task UsageAsync(HttpContext http)
    {
        var query = UsageDocument.Parse(http.Request.Query, out var problem);
        if (query is null)
        {
            await ErrorAsync(http, StatusCodes.Status400BadRequest, problem!);
            return;
        }

        var rows = await rooms.Ledger.Storage.QueryAsync(query, http.RequestAborted);
        await JsonAsync(http, json => UsageDocument.Write(query, rows, json));
    }

    private static Task NotFoundAsync(HttpContext http) =>
        ErrorAsync(http, StatusCodes.Status404NotFound, $"there is no {http.Request.Path} here");

    private static Task ErrorAsync(HttpContext http, int status, string message)
    {
        http.Response.StatusCode = status;
        return JsonAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            json.WriteString("message", message);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private static async Task JsonAsync(HttpContext http, Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>(4096);
        await using (var json = new Utf8JsonWriter(body, JsonForm))
        {
            write(json);
        }

        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.WrittenCount;
        await http.Response.BodyWriter.WriteAsync(body.WrittenMemory, http.RequestAborted);
    }

    private static async Task TextAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain";
        http.Response.Headers.ContentLength = text.Length;
        await http.Response.WriteAsync(text, http.RequestAborted);
    }
}
