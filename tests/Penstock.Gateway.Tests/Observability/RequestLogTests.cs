using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Cli.Serve;
using Penstock.Gateway.Observability;
using Microsoft.Extensions.Logging;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Observability;

public sealed class RequestLogTests
{
    private static readonly byte[] s_line = Encoding.UTF8.GetBytes(new string('x', 99) + "\n");

    [Fact]
    public void Writes_whole_lines_in_pieces_that_a_pipe_takes_at_once()
    {
        using var output = new Pieces();
        using (var log = new RequestLog(output, TimeProvider.System))
        {
            for (var i = 0; i < 1000; i++)
            {
                log.Write(s_line);
            }
        }

        Assert.Equal(1000 * s_line.Length, output.Written.Sum(p => p.Length));
        Assert.All(output.Written, piece => Assert.True(piece.Length <= 4096));
        Assert.All(output.Written, piece => Assert.Equal((byte)'\n', piece[^1]));
        Assert.True(output.Written.Count < 100);
    }

    [Fact]
    public void A_reader_that_takes_nothing_costs_lines_but_holds_nobody_up()
    {
        using var output = new Pieces();
        output.Open.Reset();
        using var log = new RequestLog(output, TimeProvider.System, bufferBytes: 10 * s_line.Length);
        log.Write(s_line);
        output.Entered.Wait(TestContext.Current.CancellationToken);
        for (var i = 0; i < 1000; i++)
        {
            log.Write(s_line);
        }

        Assert.Equal(11, log.Lines);
        Assert.Equal(990, log.Dropped);
        output.Open.Set();
    }

    [Fact]
    public void A_stream_that_fails_is_counted_and_the_next_lines_are_tried()
    {
        using var output = new Pieces { Failing = true };
        using var log = new RequestLog(output, TimeProvider.System);
        log.Write(s_line);
        output.Entered.Wait(TestContext.Current.CancellationToken);
        output.Failing = false;
        log.Write(s_line);
        log.Dispose();

        Assert.Equal(1, log.Failures);
        Assert.Single(output.Written);
    }

    [Fact]
    public void A_write_is_due_after_a_line_and_at_no_other_time()
    {
        var clock = new ManualClock();
        using var output = new Pieces();
        using var log = new RequestLog(output, clock);
        Assert.Equal(0, clock.PendingTimers);
        for (var i = 0; i < 3; i++)
        {
            log.Write(s_line);
            log.Write(s_line);
            Assert.Equal(1, clock.PendingTimers);
            clock.Advance(clock.NextDue!.Value);
            Assert.True(SpinWait.SpinUntil(() => output.Written.Count == i + 1, TimeSpan.FromMinutes(1)));
            Assert.Equal(0, clock.PendingTimers);
        }
    }

    [Fact]
    public void Any_text_comes_back_from_a_line_as_it_was() => Prop.ForAll<string>(text =>
    {
        text = new string([.. (text ?? "").Where(c => !char.IsSurrogate(c)).Take(200)]);
        Assert.Equal(text, Line((ref l) => l.Text("\"a\":"u8, text)).GetProperty("a").GetString());
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Broken_and_overlong_text_still_makes_a_line()
    {
        Assert.Equal("\ufffd\n", Line((ref l) => l.Text("\"a\":"u8, "\ud800\n")).GetProperty("a").GetString());
        Assert.Equal(
            256, Line((ref l) => l.Text("\"a\":"u8, new string('y', 10_000))).GetProperty("a").GetString()!.Length);
    }

    [Fact]
    public void Numbers_are_exact() => Prop.ForAll<long>(value =>
    {
        value %= 1_000_000_000_000;
        var shown = Line((ref l) => l.Fixed("\"a\":"u8, value, 1_000_000)).GetProperty("a").GetDecimal();
        Assert.Equal(value / 1_000_000m, shown);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_line_without_room_is_not_written()
    {
        var line = new JsonLine(new byte[16]);
        line.Text("\"a\":"u8, "longer than that");
        line.Number("\"b\":"u8, 5);
        Assert.Equal(0, line.Finish());
    }

    [Theory]
    [InlineData("trace", LogLevel.Debug, true)]
    [InlineData("information", LogLevel.Information, true)]
    [InlineData("warning", LogLevel.Information, false)]
    [InlineData("warning", LogLevel.Error, true)]
    [InlineData("none", LogLevel.Critical, false)]
    public void The_level_of_the_configuration_decides_what_is_logged(string name, LogLevel level, bool logged)
    {
        var least = new ServeLogLevel();
        least.Set(name);
        Assert.Equal(logged, least.Allows(level));
    }

    private delegate void Fill(ref JsonLine line);

    private static JsonElement Line(Fill fill)
    {
        var buffer = new byte[4096];
        var line = new JsonLine(buffer);
        fill(ref line);
        line.Number("\"n\":"u8, long.MinValue);
        var length = line.Finish();
        Assert.Equal((byte)'\n', buffer[length - 1]);
        var json = JsonDocument.Parse(buffer.AsMemory(0, length)).RootElement;
        Assert.Equal(long.MinValue.ToString(CultureInfo.InvariantCulture), json.GetProperty("n").GetRawText());
        return json;
    }

    /// <summary>A stream that keeps every write, and can be slow or broken.</summary>
    private sealed class Pieces : MemoryStream
    {
        public ConcurrentQueue<byte[]> Written { get; } = new();

        public ManualResetEventSlim Open { get; } = new(true);

        public ManualResetEventSlim Entered { get; } = new();

        public volatile bool Failing;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var failing = Failing;
            Entered.Set();
            Open.Wait();
            if (failing)
            {
                throw new IOException("broken pipe");
            }

            Written.Enqueue(buffer.ToArray());
        }
    }
}
