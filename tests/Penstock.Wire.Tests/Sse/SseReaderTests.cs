using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Outcomes;
using Penstock.Wire.Sse;

namespace Penstock.Wire.Tests.Sse;

public sealed class SseReaderTests
{
    private const string Mixed =
        "\uFEFF: hello\r\nevent: a\r\ndata: 1\r\n\r\ndata:x\rdata: y\revent: late\r\r\n\ndata\n\nid: 7\nretry: 1\n\n"
        + "event: lost\n\ndata: {\"t\":\"é😀\"}\nevent: first\nevent: second\ndata:  two\n:c\ndata: three\n\n";

    private static readonly string[] MixedEvents =
        ["a|1", "late|x\ny", "|", "second|{\"t\":\"é😀\"}\n two\nthree"];

    [Fact]
    public void Reads_every_line_end_comment_and_multi_line_form() =>
        Assert.Equal(MixedEvents, Read(Encoding.UTF8.GetBytes(Mixed), int.MaxValue));

    [Fact]
    public void Gives_the_same_events_wherever_the_bytes_are_cut()
    {
        var bytes = Encoding.UTF8.GetBytes(Mixed);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            Assert.Equal(MixedEvents, Read(bytes, cut, bytes.Length));
        }

        for (var size = 1; size < 9; size++)
        {
            Assert.Equal(MixedEvents, Read(bytes, size));
        }
    }

    [Fact]
    public void A_carriage_return_at_the_end_of_a_chunk_completes_the_event_at_once()
    {
        using var reader = new SseReader();
        reader.Feed("data: 1\r\n\r"u8);
        Assert.True(reader.TryRead(out var e));
        Assert.Equal("1", Encoding.UTF8.GetString(e.Data));
        reader.Feed("\ndata: 2\n\n"u8);
        Assert.True(reader.TryRead(out e));
        Assert.Equal("2", Encoding.UTF8.GetString(e.Data));
        Assert.False(reader.HasPartial);
    }

    [Fact]
    public void An_event_that_the_end_of_the_stream_cuts_off_is_not_handed_out()
    {
        using var reader = new SseReader();
        reader.Feed("data: 1\n"u8);
        Assert.False(reader.TryRead(out _));
        Assert.True(reader.HasPartial);
    }

    [Fact]
    public void An_event_over_the_limit_is_a_failure_and_ends_the_reader()
    {
        using var reader = new SseReader(eventBytesMax: 100);
        var chunk = Encoding.UTF8.GetBytes("data: " + new string('x', 60));
        Assert.Null(reader.Feed(chunk));
        Assert.False(reader.TryRead(out _));
        Assert.Null(reader.Feed(chunk));
        Assert.False(reader.TryRead(out _));
        Assert.Equal(FailureKind.EngineFailed, reader.Feed("\n\n"u8)!.Kind);
        Assert.False(reader.TryRead(out _));
    }

    [Fact]
    public void Endless_comments_and_many_events_do_not_count_as_one_large_event()
    {
        using var reader = new SseReader(eventBytesMax: 100);
        var seen = 0;
        for (var i = 0; i < 1000; i++)
        {
            Assert.Null(reader.Feed(": keep-alive\n\nid: 1\n: more\n"u8));
            Assert.Null(reader.Feed("data: 1\n\n"u8));
            while (reader.TryRead(out _))
            {
                seen++;
            }
        }

        Assert.Equal(1000, seen);
    }

    [Fact]
    public void An_event_name_over_the_limit_is_a_failure()
    {
        using var reader = new SseReader();
        reader.Feed(Encoding.UTF8.GetBytes($"event: {new string('n', SseReader.NameBytesMax + 1)}\ndata: 1\n\n"));
        Assert.False(reader.TryRead(out _));
        Assert.NotNull(reader.Failure);
    }

    [Fact]
    public void Allocates_nothing_per_event()
    {
        using var reader = new SseReader();
        var chunk = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\"}\n\n"u8.ToArray();
        Drain(reader, chunk, 100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var seen = Drain(reader, chunk, 1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1000, seen);
    }

    [Fact]
    public void What_the_writer_writes_the_reader_reads()
    {
        var text = ArbMap.Default.ArbFor<string>()
            .Filter(static s => s is not null && !s.Contains('\r', StringComparison.Ordinal));
        Prop.ForAll(text, s =>
        {
            var data = Encoding.UTF8.GetBytes(s);
            var output = new ArrayBufferWriter<byte>();
            SseWriter.WriteComment(output, data);
            SseWriter.WriteEvent(output, "name"u8, data);
            SseWriter.WriteData(output, data);
            var expected = Encoding.UTF8.GetString(data);
            return Read(output.WrittenSpan.ToArray(), 3).SequenceEqual([$"name|{expected}", $"|{expected}"]);
        }).QuickCheckThrowOnFailure();
    }

    private static int Drain(SseReader reader, byte[] chunk, int times)
    {
        var seen = 0;
        for (var i = 0; i < times; i++)
        {
            reader.Feed(chunk.AsSpan(0, 10));
            reader.Feed(chunk.AsSpan(10));
            while (reader.TryRead(out _))
            {
                seen++;
            }
        }

        return seen;
    }

    private static List<string> Read(byte[] bytes, params int[] sizes)
    {
        using var reader = new SseReader();
        var events = new List<string>();
        var at = 0;
        for (var i = 0; at < bytes.Length || i == 0; i++)
        {
            var size = Math.Min(sizes[Math.Min(i, sizes.Length - 1)], bytes.Length - at);
            Assert.Null(reader.Feed(bytes.AsSpan(at, size)));
            at += size;
            while (reader.TryRead(out var e))
            {
                events.Add($"{Encoding.UTF8.GetString(e.Name)}|{Encoding.UTF8.GetString(e.Data)}");
            }
        }

        return events;
    }
}
