using System.Buffers;
using System.Text;
using Penstock.Wire.Turns;
using static Penstock.Wire.Tests.Turns.Translate;

namespace Penstock.Wire.Tests.Turns;

public sealed class AllocationTests
{
    public static TheoryData<bool, string> Deltas => new()
    {
        { true, "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},"
            + "\"finish_reason\":null}]}\n\n" },
        {
            false,
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
            + "\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n"
        },
    };

    [Theory]
    [MemberData(nameof(Deltas))]
    public void A_translated_delta_allocates_nothing(bool fromChat, string delta)
    {
        var bytes = Encoding.UTF8.GetBytes(delta);
        using var stream = (fromChat ? AnthropicToChat : ChatToAnthropic).Stream(Settings);
        var output = new ArrayBufferWriter<byte>(1 << 20);
        Push(stream, bytes, output, 100);
        output.ResetWrittenCount();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Push(stream, bytes, output, 1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.InRange(output.WrittenCount, 100_000, 1 << 20);
    }

    private static void Push(StreamTranslation stream, byte[] bytes, ArrayBufferWriter<byte> output, int times)
    {
        for (var i = 0; i < times; i++)
        {
            stream.Push(bytes, output);
        }
    }
}
