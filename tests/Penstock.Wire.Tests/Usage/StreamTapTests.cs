using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Wire.Usage;

namespace Penstock.Wire.Tests.Usage;

public class StreamTapTests
{
    private static readonly string Messages = Streams.Anthropic(
        """{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"mod"""
        + """el":"m","stop_reason":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":300,"cac"""
        + """he_read_input_tokens":2000,"cache_creation":{"ephemeral_5m_input_tokens":100,"eph"""
        + """emeral_1h_input_tokens":200},"output_tokens":1,"service_tier":"standard"}}}""",
        """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""",
        """{"type":"ping"}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"the \"usage\":{\"x\":1}"}}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"usage"}}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"message_stop"}}""",
        """{"type":"content_block_stop","index":0}""",
        """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"outp"""
        + """ut_tokens":12,"input_tokens":10,"cache_creation_input_tokens":300,"cache_read_input_tokens":2000,"out"""
        + """put_tokens_details":{"thinking_tokens":3}}}""",
        """{"type":"message_stop"}""");

    private static readonly string Chunks = Streams.OpenAi(
        """{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant"}}],"usage":"""
        + "null}",
        """{"id":"c","choices":[{"index":0,"delta":{"content":"a \"usage\":{ [DONE]"}}],"usage":null}""",
        """{"id":"c","choices":[{"index":0,"delta":{"content":"error"},"finish_reason":"stop"}],"usage":null}""",
        """{"id":"c","choices":[],"usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150,"pro"""
        + """mpt_tokens_details":{"cached_tokens":64}}}""",
        "[DONE]");

    private static readonly Seen MessagesSeen =
        new(new TokenUsage(10, 100, 200, 2_000, 12, 3), true, true, 3, true, false);

    private static readonly Seen ChunksSeen = new(new TokenUsage(56, 0, 0, 64, 30), true, true, 3, true, false);

    [Fact]
    public void A_stream_of_messages_is_read_however_it_is_cut() =>
        AssertSeenAtEveryCut(Dialect.Anthropic, Messages, MessagesSeen);

    [Fact]
    public void A_stream_of_chat_chunks_is_read_however_it_is_cut() =>
        AssertSeenAtEveryCut(Dialect.OpenAiChat, Chunks, ChunksSeen);

    [Fact]
    public void Line_ends_of_two_bytes_and_comments_make_no_difference()
    {
        AssertSeenAtEveryCut(Dialect.Anthropic, ": hi\n\n" + Messages.Replace("\n", "\r\n"), MessagesSeen);
        AssertSeenAtEveryCut(Dialect.OpenAiChat, Chunks.Replace("\n", "\r\n").Replace("data: ", "data:"), ChunksSeen);
        AssertSeenAtEveryCut(Dialect.OpenAiChat, Chunks.Replace("\ndata", "\n: keep alive\n\ndata"), ChunksSeen);
    }

    [Fact]
    public void White_space_and_the_order_of_members_make_no_difference()
    {
        const string Last =
            "data: { \"usage\" : { \"output_tokens\" : 4 } , \"delta\" : { } , \"type\" : \"message_delta\" }\n\n"
            + "data: {\"delta\":{\"text\":\"x\",\"type\":\"text_delta\"},\"type\":\"content_block_delta\"}\n\n"
            + "data: { \"type\" : \"message_stop\" }\n\n";
        Assert.Equal(
            new Seen(new TokenUsage(0, 0, 0, 0, 4), true, true, 1, true, false), See(Dialect.Anthropic, Last));
        Assert.Equal(ChunksSeen, See(Dialect.OpenAiChat, Chunks.Replace("\":", "\" : ")));
    }

    [Fact]
    public void A_stream_that_is_cut_tells_what_it_had_told()
    {
        var cut = Messages[..Messages.IndexOf("event: message_delta", StringComparison.Ordinal)];
        Assert.Equal(
            new Seen(new TokenUsage(10, 100, 200, 2_000, 1), true, false, 3, false, false),
            See(Dialect.Anthropic, cut));
        cut = Chunks[..Chunks.IndexOf("data: {\"id\":\"c\",\"choices\":[]", StringComparison.Ordinal)];
        Assert.Equal(new Seen(default, false, false, 3, false, false), See(Dialect.OpenAiChat, cut));

        // The end without its line end has not come.
        Assert.False(See(Dialect.OpenAiChat, Chunks.TrimEnd('\n')).Finished);
    }

    [Fact]
    public void Usage_that_grows_with_every_chunk_is_the_last_one()
    {
        var stream = Streams.OpenAi(
            """{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":9,"completion_tokens":1}}""",
            """{"choices":[{"delta":{"content":"b"}}],"usage":{"prompt_tokens":9,"completion_tokens":2}}""",
            """{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}""",
            "[DONE]");
        Assert.Equal(new TokenUsage(9, 0, 0, 0, 3), See(Dialect.OpenAiChat, stream).Usage);
    }

    [Fact]
    public void A_last_event_that_repeats_the_prompt_does_not_double_it()
    {
        var stream = Streams.Anthropic(
            """{"type":"message_start","message":{"usage":{"input_tokens":0,"output_tokens":0}}}""",
            """{"type":"message_delta","delta":{"stop_reason":null},"usage":{"input_tokens":33,"output_tokens":4}}""",
            """{"type":"message_delta","delta":{"stop_reason":null},"usage":{"input_tokens":33,"output_tokens":9}}""",
            """{"type":"message_stop"}""");
        Assert.Equal(
            new Seen(new TokenUsage(33, 0, 0, 0, 9), true, true, 0, true, false), See(Dialect.Anthropic, stream));
    }

    [Theory]
    [InlineData("{\"id\":\"c\",\"choices\":[],\"usage\":{}}")]
    [InlineData("{\"id\":\"c\",\"choices\":[]}")]
    [InlineData("{\"id\":\"c\",\"choices\":[],\"usage\":null}")]
    [InlineData("{\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":null}}")]
    [InlineData("{\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1")]
    public void Usage_without_counts_is_no_usage(string chunk) =>
        Assert.Equal(
            (false, false), (
                See(Dialect.OpenAiChat, Streams.OpenAi(chunk)).HasUsage,
                See(Dialect.OpenAiChat, Streams.OpenAi(chunk)).IsFinal));

    [Theory]
    [InlineData(Dialect.Anthropic, "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}", true)]
    [InlineData(Dialect.Anthropic, "{ \"error\" : { \"code\" : 500 , \"message\" : \"m\" } }", true)]
    [InlineData(Dialect.Anthropic, "{\"type\":\"ping\",\"error\":null}", false)]
    [InlineData(Dialect.Anthropic,
        "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"error\"}}", false)]
    [InlineData(Dialect.OpenAiChat, "{\"error\":{\"message\":\"m\",\"type\":\"server_error\"}}", true)]
    [InlineData(Dialect.OpenAiChat, "{ \"error\": {\"message\":\"m\"}}", true)]
    [InlineData(Dialect.OpenAiChat, "{\"object\":\"error\",\"message\":\"m\",\"code\":400}", true)]
    [InlineData(Dialect.OpenAiChat, "{\"choices\":[{\"delta\":{\"content\":\"error\"}}],\"error\":null}", false)]
    [InlineData(Dialect.OpenAiChat, "{\"choices\":[{\"delta\":{\"error\":1}}]}", false)]
    [InlineData(Dialect.OpenAiChat, "\"error\"", false)]
    public void An_error_in_the_stream_is_seen(Dialect dialect, string data, bool isError)
    {
        var seen = See(dialect, $"data: {data}\n\n");
        Assert.Equal(isError, seen.Error);
        Assert.False(seen.Finished);
    }

    [Fact]
    public void What_an_engine_sends_broken_tells_nothing()
    {
        foreach (var dialect in Enum.GetValues<Dialect>())
        {
            var stream = dialect == Dialect.Anthropic ? Messages[..600] : Chunks;
            Mutations.Survives(Encoding.UTF8.GetBytes(stream), bytes => See(dialect, bytes));
        }
    }

    [Fact]
    public void A_huge_line_is_passed_over_in_bounded_memory()
    {
        using var tap = new StreamTap();
        tap.Start(Dialect.OpenAiChat);
        tap.See("data: {\"usage\":{\"prompt_tokens\":1},\"x\":\""u8);
        var piece = new byte[16 * 1024];
        piece.AsSpan().Fill((byte)'a');
        Feed(tap, piece, 40);
        Assert.Equal(0, Allocation.Of(() => Feed(tap, piece, 800)));
        Assert.False(tap.AtEventEnd);
        tap.See("\"}\n\n"u8);
        Assert.False(tap.HasUsage);
        Assert.True(tap.AtEventEnd);

        // What follows is read as ever.
        tap.See(Encoding.UTF8.GetBytes(Chunks));
        Assert.Equal((new TokenUsage(56, 0, 0, 64, 30), true), (tap.Usage, tap.Finished));
        Assert.Equal((40 + 4_000L) * piece.Length, tap.Bytes - Chunks.Length - 44);
    }

    [Fact]
    public void A_line_as_long_as_allowed_is_read()
    {
        foreach (var (length, isRead) in new[] { (StreamTap.LineBytesMax, true), (StreamTap.LineBytesMax + 1, false) })
        {
            const string Begin = "data: {\"usage\":{\"prompt_tokens\":1},\"x\":\"";
            var line = Begin + new string('a', length - Begin.Length - 2) + "\"}\n";
            using var tap = new StreamTap();
            tap.Start(Dialect.OpenAiChat);
            tap.See(Encoding.UTF8.GetBytes(line[..100]));
            tap.See(Encoding.UTF8.GetBytes(line[100..]));
            Assert.Equal(isRead, tap.HasUsage);
        }
    }

    [Fact]
    public void It_is_at_the_end_of_an_event_exactly_after_an_empty_line() =>
        Prop.ForAll(
            Arb.From(Gen.ArrayOf(Gen.ArrayOf(Gen.Elements("\n", "\n", "\r", "\r\n", "data: x", ":", "")))), pieces =>
            {
                using var tap = new StreamTap();
                tap.Start(Dialect.OpenAiChat);
                var soFar = "";
                foreach (var piece in pieces.Select(parts => string.Join("", parts)))
                {
                    tap.See(Encoding.UTF8.GetBytes(piece));
                    soFar += piece;
                    Assert.Equal(EndsWithEmptyLine(soFar), tap.AtEventEnd);
                }
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    [Fact]
    public void A_tap_can_be_used_again()
    {
        using var tap = new StreamTap();
        tap.Start(Dialect.Anthropic);
        tap.See(Encoding.UTF8.GetBytes(Messages + "data: {\"type\":\"err"));
        tap.Start(Dialect.OpenAiChat);
        Assert.Equal((default, 0, true), (tap.Usage, tap.Bytes, tap.AtEventEnd));
        tap.See(Encoding.UTF8.GetBytes(Chunks));
        Assert.Equal(ChunksSeen, Seen.Of(tap));
    }

    [Fact]
    public void A_stream_that_goes_by_allocates_nothing()
    {
        var bytes = Encoding.UTF8.GetBytes(Messages);
        using var tap = new StreamTap();
        tap.Start(Dialect.Anthropic);
        Halves(tap, bytes, 2);
        Assert.Equal(0, Allocation.Of(() => Halves(tap, bytes, 50)));
    }

    private static bool EndsWithEmptyLine(string text)
    {
        var lines = text.Split('\n');
        return text.Length == 0 || (lines[^1].Length == 0 && lines[^2] is "" or "\r" && text.EndsWith('\n'));
    }

    private static void AssertSeenAtEveryCut(Dialect dialect, string stream, Seen expected)
    {
        var bytes = Encoding.UTF8.GetBytes(stream);
        Assert.Equal(expected, See(dialect, bytes));
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            Assert.Equal(expected, See(dialect, bytes[..cut], bytes[cut..]));
        }

        Assert.Equal(expected, See(dialect, [.. bytes.Select(b => new[] { b })]));
    }

    private static Seen See(Dialect dialect, string stream) => See(dialect, Encoding.UTF8.GetBytes(stream));

    private static Seen See(Dialect dialect, params byte[][] pieces)
    {
        using var tap = new StreamTap();
        tap.Start(dialect);
        foreach (var piece in pieces)
        {
            tap.See(piece);
        }

        return Seen.Of(tap);
    }

    private static void Feed(StreamTap tap, byte[] piece, int times)
    {
        for (var i = 0; i < times; i++)
        {
            tap.See(piece);
        }
    }

    private static void Halves(StreamTap tap, byte[] bytes, int times)
    {
        for (var i = 0; i < times; i++)
        {
            tap.See(bytes.AsSpan(0, 100));
            tap.See(bytes.AsSpan(100));
        }
    }

    private sealed record Seen(TokenUsage Usage, bool HasUsage, bool IsFinal, long Deltas, bool Finished, bool Error)
    {
        public static Seen Of(StreamTap tap) =>
            new(tap.Usage, tap.HasUsage, tap.UsageIsFinal, tap.Deltas, tap.Finished, tap.SawError);
    }
}
