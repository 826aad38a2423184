using System.Buffers;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Tests.Requests;

public sealed class BodyBufferTests
{
    [Fact]
    public void A_released_buffer_holds_nothing_but_its_length()
    {
        using var buffer = new BodyBuffer();
        buffer.Write(new byte[5_000]);
        buffer.Release();
        Assert.Equal(5_000, buffer.Length);
        Assert.Equal(0, buffer.Held);

        buffer.Dispose();
        buffer.Write("again"u8);
        Assert.Equal("again"u8, buffer.Span);
    }

    [Fact]
    public void It_grows_and_keeps_what_it_has()
    {
        using var buffer = new BodyBuffer();
        buffer.Append(new ReadOnlySequence<byte>("some"u8.ToArray()));
        buffer.Write(new byte[100_000]);
        Assert.Equal("some"u8, buffer.Span[..4]);
        Assert.Equal(100_004, buffer.Length);
        Assert.True(buffer.Held >= 100_004);
    }
}
