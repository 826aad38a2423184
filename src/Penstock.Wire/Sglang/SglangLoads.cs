using System.Text.Json;
using Penstock.Wire.ModelLists;
using Penstock.Wire.Prometheus;

namespace Penstock.Wire.Sglang;

/// <summary>
/// The answer of SGLang's <c>GET /v1/loads</c> (older: <c>/get_load</c>), summed over its data-parallel ranks; the
/// cache usage is that of the fullest rank. Null: not told.
/// </summary>
public readonly record struct SglangLoads
{
    private const int RanksMax = 1024;

    public long? Running { get; private init; }

    public long? Waiting { get; private init; }

    /// <summary>Prompt tokens that wait to be computed, cached ones left out.</summary>
    public long? WaitingUncachedTokens { get; private init; }

    public long? UsedTokens { get; private init; }

    /// <summary>Tokens that the cache holds.</summary>
    public long? KvTokens { get; private init; }

    /// <summary>0 to 1.</summary>
    public double? KvUsage { get; private init; }

    /// <summary>The loads, or null where the body has none.</summary>
    public static SglangLoads? Parse(ReadOnlyMemory<byte> body)
    {
        using var document = LenientJson.TryParse(body);
        if (document is null)
        {
            return null;
        }

        var root = document.RootElement;
        var ranks = root.ValueKind == JsonValueKind.Array ? root : root.Field("loads");
        var loads = default(SglangLoads);
        var seen = false;
        foreach (var rank in LenientJson.Items(ranks, RanksMax))
        {
            seen |= rank.Field("num_waiting_reqs") is not null || rank.Field("num_running_reqs") is not null;
            loads = loads.With(rank);
        }

        return seen ? loads : null;
    }

    private SglangLoads With(JsonElement rank)
    {
        var waiting = rank.Count("num_waiting_reqs");

        // The older form counts running and waiting together.
        var running = rank.Count("num_running_reqs")
            ?? (rank.Count("num_reqs") is { } all ? Math.Max(all - (waiting ?? 0), 0) : null);
        var used = rank.Count("num_used_tokens") ?? rank.Count("num_tokens");
        var capacity = rank.Count("max_total_num_tokens");
        var usage = rank.Number("token_usage") ?? (capacity > 0 ? used / (double)capacity : null);
        return new SglangLoads
        {
            Running = Gauge.Sum(Running, running),
            Waiting = Gauge.Sum(Waiting, waiting),
            WaitingUncachedTokens = Gauge.Sum(WaitingUncachedTokens, rank.Count("num_waiting_uncached_tokens")),
            UsedTokens = Gauge.Sum(UsedTokens, used),
            KvTokens = Gauge.Sum(KvTokens, capacity),
            KvUsage = Gauge.Max(KvUsage, usage is { } share ? Gauge.Share(share) : null),
        };
    }
}
