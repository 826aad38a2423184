using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Penstock.Cli.Engine.Calls;
using Penstock.Simulator.Faults;

namespace Penstock.Cli.Engine;

/// <summary>
/// The switches of <see cref="EngineFaults"/> at run time: GET shows them, POST replaces them all, so that an empty
/// object heals the engine. With <c>"restart": true</c> the engine dies and is there again.
/// </summary>
internal static class FaultApi
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public static Task GetAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WriteAsync(
        http, json => JsonSerializer.Serialize(json, engine.Faults, Json));

    public static Task SetAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WithBodyAsync(http, async body =>
    {
        EngineFaults faults;
        var restarts = body.Flag("restart");
        try
        {
            // An order, not a state: it is carried out and not kept.
            var switches = JsonObject.Create(body.Root)!;
            switches.Remove("restart");
            faults = switches.Deserialize<EngineFaults>(Json)!;
        }
        catch (JsonException e)
        {
            return EngineError.Malformed(e.Message);
        }

        if (body.Error is { } wrong)
        {
            return wrong;
        }

        if (faults.Errors() is { Count: > 0 } errors)
        {
            return EngineError.Malformed(string.Join("; ", errors));
        }

        engine.Faults = faults;
        if (restarts)
        {
            engine.Restart();
        }

        await GetAsync(engine, http);
        return null;
    });
}
