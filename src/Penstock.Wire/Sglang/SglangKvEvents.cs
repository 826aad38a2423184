using System.Text.Json;
using Penstock.Wire.ModelLists;

namespace Penstock.Wire.Sglang;

/// <summary>
/// The <c>kv_events</c> object of SGLang's server information: where each data-parallel rank publishes the events of
/// its cache, and its load. Rank r has the base port plus r. Written by <c>describe_kv_events_publisher</c> in
/// SGLang's <c>server_args</c>; it names no replay port.
/// </summary>
/// <param name="Host">As the publisher binds it; often a wildcard (<c>*</c>, <c>0.0.0.0</c>, <c>::</c>).</param>
/// <param name="Port">Of rank 0.</param>
/// <param name="Ranks">Publishers.</param>
/// <param name="Topic">The prefix of topics; may be empty.</param>
/// <param name="BlockTokens">Tokens of a block in the events.</param>
public sealed record SglangKvEvents(string Host, long Port, long Ranks, string Topic, long BlockTokens)
{
    private const int TextCharsMax = 256;
    private const int RanksMax = 1024;

    /// <summary>The port of rank 0's publisher of load; null: load is not published.</summary>
    public long? LoadPort { get; private init; }

    public string LoadTopic { get; private init; } = "";

    /// <summary>Blocks are hashed over pairs of tokens: so they are with a draft model of the EAGLE family.</summary>
    public bool TokenPairs { get; private init; }

    /// <summary>The publisher that this server information describes; null: none, or none that speaks ZMQ.</summary>
    internal static SglangKvEvents? Read(JsonElement info)
    {
        if (info.Field("kv_events") is not { ValueKind: JsonValueKind.Object } told
            || told.Text("publisher") is not "zmq"
            || told.Count("endpoint_port_base") is not (> 0 and <= ushort.MaxValue and { } port))
        {
            return null;
        }

        var ranks = told.Count("dp_size") is > 0 and <= RanksMax and { } size ? size : 1;
        var (host, topic) = (Short(told.Text("endpoint_host")), Short(told.Text("topic")));
        return new SglangKvEvents(host, port, ranks, topic, Block(info))
        {
            LoadPort = told.Count("load_endpoint_port_base") is > 0 and <= ushort.MaxValue and { } load ? load : null,
            LoadTopic = Short(told.Text("load_topic")),
            TokenPairs = info.Text("speculative_algorithm")?.ToUpperInvariant()
                is "EAGLE" or "EAGLE3" or "FROZEN_KV_MTP",
        };
    }

    /// <summary>
    /// Decode-context parallelism (<c>dcp_size</c>) widens the pages that are published. Newer servers tell the wide
    /// size; older ones tell that of a page, which is then to be multiplied.
    /// </summary>
    private static long Block(JsonElement info)
    {
        var told = info.Field("kv_events")?.Count("block_size");
        var page = info.Count("page_size");
        var widening = info.Count("dcp_size") is > 1 and <= RanksMax and { } size ? size : 1;
        return told is null ? (page ?? 0) * widening : told == page ? told.Value * widening : told.Value;
    }

    private static string Short(string? text) => text is { Length: <= TextCharsMax } ? text : "";
}
