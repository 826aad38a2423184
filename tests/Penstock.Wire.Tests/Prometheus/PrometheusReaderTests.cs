using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Wire.Prometheus;

namespace Penstock.Wire.Tests.Prometheus;

public class PrometheusReaderTests
{
    [Fact]
    public void Reads_names_labels_and_values_and_passes_over_the_rest()
    {
        var samples = Read("""
            # HELP a:b_total Something. {with="braces"} 3
            # TYPE a:b_total counter

            a:b_total{model="x y",engine="0"} 12.5 1700000000000
            plain 1e3
            	indented   -2
            bucket{le="+Inf"} 7 # {trace="1"} 0.5
            """);
        Assert.Equal(["a:b_total=12.5", "plain=1000", "indented=-2", "bucket=7"], samples);
    }

    [Theory]
    [InlineData("x NaN", double.NaN)]
    [InlineData("x +Inf", double.PositiveInfinity)]
    [InlineData("x -Inf", double.NegativeInfinity)]
    [InlineData("x 0", 0)]
    [InlineData("x 1.7976931348623157e+308\r", double.MaxValue)]
    public void Knows_the_odd_values(string line, double value)
    {
        var reader = new PrometheusReader(Encoding.UTF8.GetBytes(line));
        Assert.True(reader.TryRead(out var sample));
        Assert.Equal(value, sample.Value);
    }

    [Fact]
    public void Braces_commas_and_quotes_inside_a_label_are_its_own_business()
    {
        var reader = new PrometheusReader("""m{a="}\",b=\"x", c="2" ,} 1"""u8);
        Assert.True(reader.TryRead(out var sample));
        Assert.True(sample.TryGetLabel("a"u8, out var a));
        Assert.Equal("""}\",b=\"x""", Encoding.UTF8.GetString(a));
        Assert.True(sample.TryGetLabel("c"u8, out var c));
        Assert.Equal("2", Encoding.UTF8.GetString(c));
        Assert.False(sample.TryGetLabel("b"u8, out _));
    }

    [Theory]
    [InlineData("nameonly")]
    [InlineData("name{a=\"1\" 5")]
    [InlineData("name{a=\"1} 5")]
    [InlineData("name abc")]
    [InlineData("{} 1")]
    public void A_bad_line_is_counted_and_hides_nothing(string line)
    {
        var reader = new PrometheusReader(Encoding.UTF8.GetBytes($"first 1\n{line}\nlast 2"));
        Assert.True(reader.TryRead(out _));
        Assert.True(reader.TryRead(out var last));
        Assert.Equal(2, last.Value);
        Assert.False(reader.TryRead(out _));
        Assert.Equal(1, reader.SkippedLines);
    }

    [Fact]
    public void A_name_matches_with_and_without_the_suffix_of_a_counter_and_not_as_a_mere_prefix()
    {
        var reader = new PrometheusReader("vllm:x_total 1\nvllm:x 1\nvllm:x_sum 1\nvllm:x_totals 1"u8);
        var matches = new List<bool>();
        while (reader.TryRead(out var sample))
        {
            matches.Add(sample.Is("vllm:x"u8));
        }

        Assert.Equal([true, true, false, false], matches);
    }

    [Fact]
    public void What_was_written_is_read_back() => Prop.ForAll(
        Arb.From(
            from values in Gen.NonEmptyListOf(Gen.Choose(-1000, 1000))
            from label in ArbMap.Default.GeneratorFor<NonNull<string>>()
            select (values, label.Get)),
        page =>
        {
            var escaped = page.Get.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n");
            var text = string.Join('\n', page.values.Select(
                (v, i) => string.Create(CultureInfo.InvariantCulture, $"m_{i}{{l=\"{escaped}\"}} {v}")));
            return Read(text).SequenceEqual(page.values.Select(
                (v, i) => string.Create(CultureInfo.InvariantCulture, $"m_{i}={v}")));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_bytes_make_it_throw_or_loop() => Prop.ForAll<byte[]>(bytes =>
    {
        var reader = new PrometheusReader(bytes);
        var samples = 0;
        while (reader.TryRead(out var sample))
        {
            sample.TryGetLabel("x"u8, out _);
            samples++;
        }

        return samples + reader.SkippedLines <= bytes.Length;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Reading_a_page_allocates_nothing()
    {
        var lines = Enumerable.Repeat("vllm:a{b=\"c\",d=\"e\"} 1.5\n# HELP\n", 100);
        var page = Encoding.UTF8.GetBytes(string.Concat(lines));
        long Walk()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var reader = new PrometheusReader(page);
            while (reader.TryRead(out var sample))
            {
                sample.TryGetLabel("d"u8, out _);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Walk();
        Assert.Equal(0, Walk());
    }

    private static List<string> Read(string page)
    {
        var reader = new PrometheusReader(Encoding.UTF8.GetBytes(page));
        var samples = new List<string>();
        while (reader.TryRead(out var sample))
        {
            samples.Add(string.Create(
                CultureInfo.InvariantCulture, $"{Encoding.UTF8.GetString(sample.Name)}={sample.Value}"));
        }

        return samples;
    }
}
