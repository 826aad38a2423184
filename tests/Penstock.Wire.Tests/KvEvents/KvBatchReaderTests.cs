using System.Buffers;
using Penstock.Core.KvSync;
using Penstock.Tests.Shared;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;
using Penstock.Wire.MessagePack;

namespace Penstock.Wire.Tests.KvEvents;

public sealed class KvBatchReaderTests
{
    private const string First = "Stored Device F123456789ABCDEF,7 of 2:1,2,300,70000";

    [Fact]
    public void Reads_the_first_arrays_of_vllm() => Assert.Equal(
        $"at 1.5 rank -1\n{First}\nRemoved Device 7\nCleared", EventText.Of(Golden.Vllm010NoMedium));

    [Fact]
    public void Reads_the_last_arrays_of_vllm() => Assert.Equal(
        "at 1.5 rank 1\n" +
        "Stored Device group 0 after 5 F123456789ABCDEF,7 of 2:1,2,300,70000 adapter ada extras 0,x\n" +
        "Removed Host group 0 7",
        EventText.Of(Golden.Vllm024Arrays));

    [Fact]
    public void Reads_a_sliding_window_group() => Assert.Equal(
        "at 1.5 rank 0\nStored Device group 1 SlidingWindow window 128 after 5 9 of 2:1,2",
        EventText.Of(Golden.Vllm024SlidingWindow));

    [Fact]
    public void Reads_the_maps_of_vllm() => Assert.Equal(
        "at 1.5 rank 3\n" +
        "Stored Device group 0 F123456789ABCDEF,7 of 2:1,2,300,70000 salt salt\nRemoved Disk group 0 7\nCleared",
        EventText.Of(Golden.Vllm029Maps));

    [Fact]
    public void Takes_the_last_eight_bytes_of_a_digest() => Assert.Equal(
        "at 1.5 rank -1\nStored Host after 18191A1B1C1D1E1F 18191A1B1C1D1E1F,38393A3B3C3D3E3F of 16:",
        EventText.Of(Golden.VllmDigests));

    [Fact]
    public void Reads_a_batch_that_is_a_map_and_takes_what_is_remote_for_shared() =>
        Assert.Equal("at 1.5 rank 2\nRemoved Shared 7", EventText.Of(Golden.VllmBatchAsAMap));

    [Fact]
    public void Gives_no_tokens_where_hashes_are_fewer_than_blocks() => Assert.Equal(
        "at 1.5 rank -1\nStored Device group 2 State 9 of 2:", EventText.Of(Golden.VllmStateGroup));

    [Fact]
    public void Reads_the_first_arrays_of_sglang_and_its_signed_hashes() => Assert.Equal(
        "at 1.5 rank -1\nStored Device CF97ADEEDB59E05B,CB701DBFC2CFD592 of 4:1,2,3,4,5,6,7,8",
        EventText.Of(Golden.SGLangFirst));

    [Fact]
    public void Reads_the_last_arrays_of_sglang_with_a_short_last_page() => Assert.Equal(
        "at 1.5 rank -1\nStored Device CF97ADEEDB59E05B of 4:1,2,3,4\n" +
        "Stored Host after CF97ADEEDB59E05B CB701DBFC2CFD592 of 1:5 salt pepper\n" +
        "Removed Shared CF97ADEEDB59E05B,CB701DBFC2CFD592\nCleared",
        EventText.Of(Golden.SGLangArrays));

    [Fact]
    public void Reads_the_maps_of_sglang() => Assert.Equal(
        "at 1.5 rank 1\nStored Disk after CF97ADEEDB59E05B CB701DBFC2CFD592 of 1:5 salt pepper\n" +
        "Stored Device SlidingWindow 1 of 2:5,6 adapter 3",
        EventText.Of(Golden.SGLangMaps));

    [Fact]
    public void Gives_no_tokens_where_they_come_in_pairs() =>
        Assert.Equal("at 1.5 rank 0\nStored Device 1 of 2:", EventText.Of(Golden.SGLangPairsOfTokens));

    [Fact]
    public void Steps_over_unknown_and_senseless_events() => Assert.Equal(
        "at 1.5 rank 0\nRemoved Device 4\nunknown 3 broken 4", EventText.Of(Golden.UnknownAndSenseless));

    [Fact]
    public void Hands_out_nothing_of_a_cut_batch()
    {
        var whole = Golden.SGLangArrays;
        for (var cut = 0; cut < whole.Length; cut++)
        {
            Assert.Equal("Malformed", EventText.Of(whole[..cut]));
        }

        Assert.Equal("Malformed", EventText.Of([.. whole, 0]));
        Assert.Equal("NotABatch", EventText.Of([0x05]));
        Assert.Equal("NotABatch", EventText.Of([0x92, 0x01, 0x02]));
        Assert.Equal("Malformed", EventText.Of([0x92, 0x01, 0xDD, 0xFF, 0xFF, 0xFF, 0xFF]));
    }

    [Fact]
    public void Survives_every_mutation_of_every_dialect()
    {
        foreach (var batch in new[]
        {
            Golden.Vllm010NoMedium, Golden.Vllm024Arrays, Golden.Vllm029Maps, Golden.VllmDigests,
            Golden.VllmBatchAsAMap, Golden.SGLangArrays, Golden.SGLangMaps, Golden.UnknownAndSenseless,
        })
        {
            Mutations.Survives(batch, b => EventText.Of(b));
        }
    }

    [Theory]
    [InlineData(KvDialect.VllmArrays, KvHashForm.Unsigned)]
    [InlineData(KvDialect.VllmArrays, KvHashForm.Digest)]
    [InlineData(KvDialect.VllmMaps, KvHashForm.Unsigned)]
    [InlineData(KvDialect.VllmMaps, KvHashForm.Digest)]
    [InlineData(KvDialect.SglangArrays, KvHashForm.Signed)]
    [InlineData(KvDialect.SglangMaps, KvHashForm.Signed)]
    public void Reads_what_the_writer_writes(KvDialect dialect, KvHashForm form)
    {
        var isVllm = dialect is KvDialect.VllmArrays or KvDialect.VllmMaps;
        var adapter = isVllm ? " adapter ada" : "";
        var group = isVllm ? " group 1 SlidingWindow window 64" : "";
        Assert.Equal(
            $"at 2.25 rank 4\nStored Device FFFFFFFFFFFFFFFF,2 of 2:1,2,3,4{adapter} salt pepper\n" +
            $"Stored Host{group} after 2 3 of 2:5,4294967295\nRemoved Shared 2,3\nCleared",
            EventText.Of(Batches.Of(dialect, form, rank: 4)));
    }

    [Fact]
    public void Hands_out_a_long_event_in_parts_that_follow_each_other()
    {
        var batch = Batches.Stored(blocks: 1_000, blockTokens: 16);
        var buffers = new KvEventBuffers();
        Assert.Equal(
            KvBatchStatus.Ok, KvBatchReader.Open(batch, buffers, KvEventLimits.Default, out var reader));
        var hashes = 0UL;
        var parts = 0;
        while (reader.TryNext(out var e))
        {
            Assert.Equal(hashes > 0, e.HasParent);
            Assert.Equal(hashes, e.HasParent ? e.Parent : 0);
            Assert.Equal(16 * e.Hashes.Length, e.Tokens.Length);
            Assert.Equal(16 * hashes, e.Tokens[0]);
            hashes += (ulong)e.Hashes.Length;
            parts++;
        }

        Assert.Equal(1_000UL, hashes);
        Assert.Equal(4, parts);
    }

    [Fact]
    public void Marks_a_batch_of_more_blocks_than_allowed_and_reads_no_further()
    {
        var limits = new KvEventLimits { BlocksMax = 300 };
        var text = EventText.Of(Batches.Stored(blocks: 1_000, blockTokens: 1), limits);
        Assert.EndsWith("truncated", text, StringComparison.Ordinal);
        Assert.Equal(3, text.Split('\n').Length);
        Assert.Equal("TooManyEvents", EventText.Of(Golden.SGLangArrays, new KvEventLimits { EventsMax = 3 }));
    }

    [Fact]
    public void Hands_out_once_that_all_is_cleared_where_it_is_said_in_a_row()
    {
        Assert.Equal("at 1 rank -1\nCleared\nRemoved Device 7\nCleared", EventText.Of(Clears("ccrcc")));
    }

    /// <summary>A few bytes each, and each costs whoever listens more than a block.</summary>
    [Fact]
    public void Counts_that_all_is_cleared_for_many_blocks()
    {
        var limits = new KvEventLimits { BlocksMax = 3 * (KvEventLimits.BlocksPerClear + 1) };
        var text = EventText.Of(Clears("crcrcrcr"), limits);
        Assert.EndsWith("truncated", text, StringComparison.Ordinal);
        Assert.Equal(3, text.Split("Cleared").Length - 1);
        Assert.DoesNotContain("truncated", EventText.Of(Clears("crcrcr"), limits), StringComparison.Ordinal);
    }

    /// <summary>SGLang with pages of one token: each in an event of its own, as many pushed out as stored.</summary>
    [Fact]
    public void Takes_a_prompt_of_128k_tokens_in_pages_of_one_that_pushes_out_as_many()
    {
        const int Pages = 128 * 1_024;
        var output = new ArrayBufferWriter<byte>();
        var writer = new KvBatchWriter(output, KvDialect.SglangMaps, KvHashForm.Signed);
        writer.Begin(1, 2 * Pages, 0);
        for (var i = 0UL; i < Pages; i++)
        {
            writer.Write(new KvEvent { Kind = KvEventKind.Removed, Hashes = [ulong.MaxValue - i] });
            writer.Write(new KvEvent
            {
                Hashes = [~(i << 32)],
                HasParent = i > 0,
                Parent = ~((i - 1) << 32),
                Tokens = [150_000],
                BlockTokens = 1,
            });
        }

        writer.End(0);
        Assert.InRange(output.WrittenCount, 1, ZmtpLimits.Default.MessageBytesMax);
        Assert.Equal(2 * Pages, Blocks(output.WrittenSpan.ToArray(), new KvEventBuffers(), KvEventLimits.Default));
    }

    [Fact]
    public void A_batch_with_a_million_hashes_costs_no_more_memory_than_a_small_one()
    {
        var batch = Batches.Stored(blocks: 1_000_000, blockTokens: 0);
        var buffers = new KvEventBuffers();
        var limits = new KvEventLimits { BlocksMax = int.MaxValue };
        Assert.Equal(1_000_000, Blocks(batch, buffers, limits));
        Assert.Equal(0, Allocation.Of(() => Blocks(batch, buffers, limits)));
    }

    [Fact]
    public void Allocates_nothing_per_batch()
    {
        var output = new ArrayBufferWriter<byte>(1 << 20);
        var batch = Batches.Of(KvDialect.VllmMaps, KvHashForm.Digest, rank: 4);
        var buffers = new KvEventBuffers();
        Assert.Equal(0, Allocation.Of(() =>
        {
            output.ResetWrittenCount();
            Batches.Write(output, KvDialect.VllmMaps, KvHashForm.Digest, rank: 4);
            Blocks(batch, buffers, KvEventLimits.Default);
        }));
    }

    [Fact]
    public void Reads_loads_as_arrays_and_as_maps()
    {
        Assert.True(KvLoad.TryRead(Convert.FromHexString("96A84C6F6164537461740301CD01F4CD03E8C0"), out var load));
        Assert.Equal(new KvLoad(3, 1, 500, 1_000, -1), load);
        var map = Convert.FromHexString(
            "87A474797065A84C6F616453746174B06E756D5F72756E6E696E675F7265717303B06E756D5F77616974696E675F7265717301" +
            "AA6E756D5F746F6B656E73CE00011170B46D61785F746F74616C5F6E756D5F746F6B656E73CF0000000200000000AC6174746E" +
            "5F64705F72616E6B01A1789101");
        Assert.True(KvLoad.TryRead(map, out load));
        Assert.Equal(new KvLoad(3, 1, 70_000, 1L << 33, 1), load);
        var output = new ArrayBufferWriter<byte>();
        load.Write(output);
        Assert.True(KvLoad.TryRead(output.WrittenSpan, out var again));
        Assert.Equal(load, again);
        Assert.False(KvLoad.TryRead(Golden.Vllm024Arrays, out _));
        Mutations.Survives(map, m => KvLoad.TryRead(m, out _));
    }

    /// <summary>An event for each letter: c clears all, r removes a block.</summary>
    private static byte[] Clears(string kinds)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new KvBatchWriter(output, KvDialect.VllmArrays, KvHashForm.Unsigned);
        writer.Begin(1, kinds.Length, null);
        foreach (var kind in kinds)
        {
            writer.Write(kind == 'c'
                ? new KvEvent { Kind = KvEventKind.Cleared }
                : new KvEvent { Kind = KvEventKind.Removed, Hashes = [7] });
        }

        writer.End(null);
        return output.WrittenSpan.ToArray();
    }

    private static int Blocks(byte[] payload, KvEventBuffers buffers, KvEventLimits limits)
    {
        KvBatchReader.Open(payload, buffers, limits, out var batch);
        while (batch.TryNext(out _))
        {
        }

        return batch.Blocks;
    }
}
