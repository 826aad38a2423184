using System.Buffers;
using Penstock.Core.KvSync;
using Penstock.Simulator.Replicas;
using Penstock.Wire.KvEvents;

namespace Penstock.Cli.Engine.Publishing;

/// <summary>
/// Writes what happened in one step as one batch. vLLM tells a run of blocks in one event, SGLang each page in its own.
/// Not thread-safe.
/// </summary>
internal sealed class BatchEncoder(SimulatedEventOptions options, int blockTokens)
{
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly bool _splits = options.Dialect is KvDialect.SglangArrays or KvDialect.SglangMaps;

    private readonly KvHashForm _form = options.HashForm ?? options.Dialect switch
    {
        KvDialect.SglangArrays or KvDialect.SglangMaps => KvHashForm.Signed,
        _ => KvHashForm.Unsigned,
    };

    /// <param name="events">One step's.</param>
    /// <param name="at">When they are published.</param>
    public byte[] Encode(ReadOnlySpan<CacheEvent> events, DateTimeOffset at)
    {
        _output.ResetWrittenCount();
        var count = 0;
        foreach (var happened in events)
        {
            count += _splits ? Math.Max(1, happened.Hashes.Length) : 1;
        }

        var writer = new KvBatchWriter(_output, options.Dialect, _form);
        writer.Begin((at - DateTimeOffset.UnixEpoch).TotalSeconds, count, options.Rank);
        foreach (var happened in events)
        {
            Write(in writer, happened);
        }

        writer.End(options.Rank);
        return _output.WrittenSpan.ToArray();
    }

    private void Write(in KvBatchWriter writer, in CacheEvent happened)
    {
        var hashes = happened.Hashes.Span;
        if (hashes.IsEmpty)
        {
            writer.Write(new KvEvent { Kind = KvEventKind.Cleared });
            return;
        }

        var tokens = happened.Tokens.Span;
        var parent = happened.Parent;
        var run = _splits ? 1 : hashes.Length;
        for (var at = 0; at < hashes.Length; at += run)
        {
            writer.Write(new KvEvent
            {
                Kind = happened.Kind == CacheEventKind.Stored ? KvEventKind.Stored : KvEventKind.Removed,
                Hashes = hashes.Slice(at, run),
                HasParent = parent is not null,
                Parent = parent ?? 0,
                BlockTokens = blockTokens,
                Tokens = tokens.IsEmpty ? tokens : tokens.Slice(at * blockTokens, run * blockTokens),
            });
            parent = hashes[at + run - 1];
        }
    }
}
