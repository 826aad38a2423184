using System.Text.Json;

namespace Penstock.Wire.Tests.Usage;

/// <summary>Event streams as engines write them, from the data of their events.</summary>
internal static class Streams
{
    public static string Anthropic(params string[] data) => string.Concat(data.Select(d =>
        $"event: {JsonDocument.Parse(d).RootElement.GetProperty("type").GetString()}\ndata: {d}\n\n"));

    public static string OpenAi(params string[] data) => string.Concat(data.Select(d => $"data: {d}\n\n"));
}
