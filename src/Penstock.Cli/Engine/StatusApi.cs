using Microsoft.AspNetCore.Http;

namespace Penstock.Cli.Engine;

/// <summary>What an engine tells about itself.</summary>
internal static class StatusApi
{
    public const string Version = "0.1.0+penstock.simulated";

    /// <summary>The model list in vLLM's shape; <c>owned_by</c> says that it is simulated.</summary>
    public static Task ModelsAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        foreach (var model in engine.Options.Models)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, model);
            json.WriteString("object"u8, "model"u8);
            json.WriteNumber("created"u8, engine.StartedAt.ToUnixTimeSeconds());
            json.WriteString("owned_by"u8, $"penstock (simulated, profile {engine.Profile.Name})");
            json.WriteString("root"u8, engine.Options.Models[0]);
            json.WriteNull("parent"u8);
            json.WriteNumber("max_model_len"u8, engine.Profile.ModelLengthMax);
            json.WriteStartArray("permission"u8);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    public static Task VersionAsync(HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("version"u8, Version);
        json.WriteEndObject();
    });

    /// <summary>Requests inside, waiting ones included.</summary>
    public static Task LoadAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        var counters = engine.Counters;
        json.WriteStartObject();
        json.WriteNumber("server_load"u8, counters.Running + counters.Waiting);
        json.WriteEndObject();
    });

    /// <summary>A page of metrics.</summary>
    public static Task TextAsync(HttpContext http, string metrics)
    {
        http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return http.Response.WriteAsync(metrics, http.RequestAborted);
    }

    /// <summary>Forgets all cached content; refused while requests hold memory.</summary>
    public static Task ClearCacheAsync(SimulatedEngine engine, HttpContext http)
    {
        http.Response.StatusCode = engine.TryClearCache() ? 200 : 400;
        return Task.CompletedTask;
    }
}
