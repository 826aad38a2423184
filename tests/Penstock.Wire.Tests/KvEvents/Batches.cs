using System.Buffers;
using Penstock.Core.KvSync;
using Penstock.Wire.KvEvents;
using Penstock.Wire.MessagePack;

namespace Penstock.Wire.Tests.KvEvents;

/// <summary>Batches made by the writer under test, and large ones made by hand.</summary>
internal static class Batches
{
    public static byte[] Of(KvDialect dialect, KvHashForm form, int? rank)
    {
        var output = new ArrayBufferWriter<byte>();
        Write(output, dialect, form, rank);
        return output.WrittenSpan.ToArray();
    }

    public static void Write(IBufferWriter<byte> output, KvDialect dialect, KvHashForm form, int? rank)
    {
        var writer = new KvBatchWriter(output, dialect, form);
        writer.Begin(2.25, 4, rank);
        writer.Write(new KvEvent
        {
            Hashes = [ulong.MaxValue, 2], Tokens = [1, 2, 3, 4], BlockTokens = 2, Adapter = "ada"u8, Salt = "pepper"u8,
        });
        writer.Write(new KvEvent
        {
            Hashes = [3], HasParent = true, Parent = 2, Tokens = [5, uint.MaxValue], BlockTokens = 2,
            Tier = KvTier.Host, Group = 1, Spec = KvSpecKind.SlidingWindow, SlidingWindow = 64,
        });
        writer.Write(new KvEvent { Kind = KvEventKind.Removed, Hashes = [2, 3], Tier = KvTier.Shared });
        writer.Write(new KvEvent { Kind = KvEventKind.Cleared });
        writer.End(rank);
    }

    /// <summary>One event of so many blocks, named 1, 2, 3, with tokens 0, 1, 2.</summary>
    public static byte[] Stored(int blocks, int blockTokens)
    {
        var output = new ArrayBufferWriter<byte>();
        var pack = new MessagePackWriter(output);
        pack.Array(2);
        pack.Double(1);
        pack.Array(1);
        pack.Array(5);
        pack.Text("BlockStored"u8);
        pack.Array(blocks);
        for (var i = 1; i <= blocks; i++)
        {
            pack.UInt64((ulong)i);
        }

        pack.Nil();
        pack.Array(blocks * blockTokens);
        for (var i = 0; i < blocks * blockTokens; i++)
        {
            pack.UInt64((ulong)i);
        }

        pack.Int64(blockTokens);
        return output.WrittenSpan.ToArray();
    }
}
