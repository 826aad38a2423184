using System.Buffers;
using System.Diagnostics;
using Penstock.Core.KvSync;
using Penstock.Core.Primitives;
using Penstock.Wire.KvEvents;

namespace Penstock.EventsBench;

/// <summary>
/// An engine whose cache is full: each batch stores new blocks of 16 tokens and removes as many of the oldest. A batch
/// is decoded, its blocks get the router's keys, and the map of the engine is brought up to date. Blocks stored and
/// blocks removed both count, so that half of the figure is blocks stored.
/// </summary>
internal sealed class EventRun(string what, int batchBlocks, int residentBlocks, KvDialect dialect, KvHashForm form)
{
    private const int BlockTokens = 16;
    private const uint Vocabulary = 128_000;
    private const double WarmUpSeconds = 0.5;

    public static IEnumerable<EventRun> All =>
    [
        new("32 blocks, maps, numbers; 20k held", 32, 20_000, KvDialect.VllmMaps, KvHashForm.Unsigned),
        new("256 blocks, maps, numbers; 20k held", 256, 20_000, KvDialect.VllmMaps, KvHashForm.Unsigned),
        new("1,000 blocks, maps, numbers; 20k held", 1_000, 20_000, KvDialect.VllmMaps, KvHashForm.Unsigned),
        new("1,000 blocks, maps, digests; 20k held", 1_000, 20_000, KvDialect.VllmMaps, KvHashForm.Digest),
        new("256 blocks, arrays, signed numbers; 20k held", 256, 20_000, KvDialect.SglangArrays, KvHashForm.Signed),
        new("256 blocks, maps, numbers; 500k held", 256, 500_000, KvDialect.VllmMaps, KvHashForm.Unsigned),
    ];

    public string Measure(double seconds)
    {
        var batches = Batches();
        var buffers = new KvEventBuffers();
        var map = new KvBlockMap(4 * residentBlocks, model: 1, secret: 2, 2 * residentBlocks);
        var sink = new CountingSink();
        var times = new List<double>(1 << 22);
        Run(batches, buffers, map, ref sink, WarmUpSeconds, times);
        times.Clear();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var keysBefore = sink.Keys;
        var took = Run(batches, buffers, map, ref sink, seconds, times);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var rate = (sink.Keys - keysBefore) / took;
        times.Sort();
        return $"{what,-52} {rate,12:N0} {At(times, 0.5),9:N1} {At(times, 0.99),9:N1} {times[^1],9:N0} " +
            $"{allocated,12:N0} {map.Entries,9:N0}";
    }

    private static double Run(
        byte[][] batches, KvEventBuffers buffers, KvBlockMap map, ref CountingSink sink, double seconds,
        List<double> times)
    {
        var start = Stopwatch.GetTimestamp();
        var last = start;
        for (var i = 0; Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; i++)
        {
            var status = KvBatchReader.Open(
                batches[i % batches.Length], buffers, KvEventLimits.Default, out var batch);
            Check.That(status == KvBatchStatus.Ok);
            while (batch.TryNext(out var e))
            {
                map.Apply(in e, 0, ref sink);
            }

            var now = Stopwatch.GetTimestamp();
            times.Add(Stopwatch.GetElapsedTime(last, now).TotalMicroseconds);
            last = now;
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double At(List<double> sorted, double share) => sorted[(int)(sorted.Count * share)];

    // So many that the blocks held are all of other batches; then they come round.
    private byte[][] Batches()
    {
        var count = Math.Max(4, 2 * residentBlocks / batchBlocks);
        var rng = new Rng(1);
        var hashes = new ulong[count][];
        var payloads = new byte[count][];
        for (var i = 0; i < count; i++)
        {
            hashes[i] = [.. Enumerable.Range(0, batchBlocks).Select(_ => rng.NextUInt64())];
        }

        for (var i = 0; i < count; i++)
        {
            payloads[i] = Batch(hashes[i], hashes[(i + (count / 2)) % count], ref rng);
        }

        return payloads;
    }

    private byte[] Batch(ulong[] stored, ulong[] removed, ref Rng rng)
    {
        var tokens = new uint[stored.Length * BlockTokens];
        for (var i = 0; i < tokens.Length; i++)
        {
            tokens[i] = (uint)rng.NextInt32((int)Vocabulary);
        }

        var output = new ArrayBufferWriter<byte>();
        var writer = new KvBatchWriter(output, dialect, form);
        writer.Begin(1, 2, 0);
        writer.Write(new KvEvent { Kind = KvEventKind.Removed, Hashes = removed });
        writer.Write(new KvEvent { Hashes = stored, Tokens = tokens, BlockTokens = BlockTokens });
        writer.End(0);
        return output.WrittenSpan.ToArray();
    }

    private struct CountingSink : IKvKeySink
    {
        public long Keys;

        public void Stored(int rank, KvTier tier, ReadOnlySpan<ulong> keys, int blockTokens) => Keys += keys.Length;

        public void Removed(int rank, KvTier tier, ReadOnlySpan<ulong> keys) => Keys += keys.Length;

        public readonly void Cleared(int rank)
        {
        }
    }
}
