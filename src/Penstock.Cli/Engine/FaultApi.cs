using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Penstock.Cli.Engine.Calls;
using Penstock.Simulator.Faults;

namespace Penstock.Cli.Engine;

/// <summary>
/// The switches of <see cref="EngineFaults"/> at run time: GET shows them, POST replaces them all, so that an empty
/// object heals the engine.
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
        try
        {
            faults = body.Root.Deserialize<EngineFaults>(Json)!;
        }
        catch (JsonException e)
        {
            return EngineError.Malformed(e.Message);
        }

        if (faults.Errors() is { Count: > 0 } errors)
        {
            return EngineError.Malformed(string.Join("; ", errors));
        }

        engine.Faults = faults;
        await GetAsync(engine, http);
        return null;
    });
}
