using System.Text.Json;
using Penstock.Wire.ModelLists;
using Penstock.Wire.Prometheus;

namespace Penstock.Wire.TensorRt;

/// <summary>
/// The newest entry of <c>GET /metrics</c> of trtllm-serve: a JSON list of what each iteration of the engine since the
/// last question was like. Null: not told. Some versions give each entry as a string of JSON.
/// </summary>
public readonly record struct TrtllmIterationStats
{
    /// <summary>Entries that are looked at; the engine keeps 1,000 by default.</summary>
    private const int EntriesMax = 65_536;

    public long? Running { get; private init; }

    public long? Waiting { get; private init; }

    /// <summary>0 to 1.</summary>
    public double? KvUsage { get; private init; }

    /// <summary>Blocks of the cache on the device.</summary>
    public long? Blocks { get; private init; }

    /// <summary>Tokens of a block.</summary>
    public long? BlockTokens { get; private init; }

    /// <summary>Blocks of the host tier; 0: there is none.</summary>
    public long? HostBlocks { get; private init; }

    /// <summary>The body is a list, if only an empty one: the engine has this page.</summary>
    public static bool IsList(ReadOnlyMemory<byte> body)
    {
        using var document = LenientJson.TryParse(body);
        return document?.RootElement.ValueKind == JsonValueKind.Array;
    }

    /// <summary>The newest entry; null where the body is no list, or nothing happened since the last question.
    /// </summary>
    public static TrtllmIterationStats? Parse(ReadOnlyMemory<byte> body)
    {
        using var document = LenientJson.TryParse(body);
        if (document is null)
        {
            return null;
        }

        var newest = default(JsonElement);
        var at = -1L;
        foreach (var entry in LenientJson.Items(document.RootElement, EntriesMax))
        {
            // The order of the list is that of the iterations; the number only decides where it is given.
            var number = entry.Count("iter") ?? at;
            if (number >= at && entry.ValueKind is JsonValueKind.Object or JsonValueKind.String)
            {
                (newest, at) = (entry, number);
            }
        }

        return newest.ValueKind == JsonValueKind.String && newest.Text() is { } text ? ParseEntry(text) : Read(newest);
    }

    private static TrtllmIterationStats? ParseEntry(string text)
    {
        using var document = LenientJson.TryParse(System.Text.Encoding.UTF8.GetBytes(text));
        return document is null ? null : Read(document.RootElement);
    }

    private static TrtllmIterationStats? Read(JsonElement entry)
    {
        var kv = entry.Field("kvCacheStats") ?? default;
        if (entry.Field("numActiveRequests") is null && kv.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var blocks = kv.Count("maxNumBlocks");
        var used = kv.Count("usedNumBlocks") ?? blocks - kv.Count("freeNumBlocks");
        return new TrtllmIterationStats
        {
            Running = entry.Count("numActiveRequests"),
            Waiting = entry.Count("numQueuedRequests"),
            KvUsage = blocks > 0 && used is { } u ? Gauge.Share(u / (double)blocks) : null,
            Blocks = blocks,
            BlockTokens = kv.Count("tokensPerBlock"),
            HostBlocks = HostBlocksOf(entry),
        };
    }

    /// <summary>Told for each attention window; the largest is that of the whole prompt's blocks.</summary>
    private static long? HostBlocksOf(JsonElement entry)
    {
        if (entry.Field("kvCacheIterationStats") is not { ValueKind: JsonValueKind.Object } windows)
        {
            return null;
        }

        long? most = null;
        foreach (var window in windows.EnumerateObject().Take(64))
        {
            most = window.Value.Count("secondaryMaxNumBlocks") is { } told && told >= (most ?? 0) ? told : most;
        }

        return most;
    }
}
