using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Penstock.Gateway.Tests.Observability;

/// <summary>One family of a page.</summary>
internal sealed record MetricFamily(string Name, string Type, string Unit, string Help)
{
    public List<MetricSample> Samples { get; } = [];
}

internal sealed record MetricSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);

/// <summary>
/// Reads OpenMetrics text and holds it to the specification: order of the lines, names, types and their suffixes,
/// units, escaping, no series twice, histograms that only grow, the end. Anything else fails the test.
/// </summary>
internal sealed partial class OpenMetricsPage
{
    private static readonly Dictionary<string, string[]> s_suffixes = new()
    {
        ["counter"] = ["_total"],
        ["gauge"] = [""],
        ["info"] = ["_info"],
        ["histogram"] = ["_bucket", "_sum", "_count"],
    };

    public Dictionary<string, MetricFamily> Families { get; } = [];

    public static OpenMetricsPage Parse(string text)
    {
        var page = new OpenMetricsPage();
        Assert.EndsWith("\n# EOF\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', text);
        MetricFamily? family = null;
        string[] lines = text.Split('\n');
        for (var i = 0; i < lines.Length - 2; i++)
        {
            if (lines[i].StartsWith('#'))
            {
                family = page.ParseHead(lines, ref i);
            }
            else
            {
                Assert.NotNull(family);
                AddSample(family, lines[i]);
            }
        }

        foreach (var histogram in page.Families.Values.Where(f => f.Type == "histogram"))
        {
            CheckHistogram(histogram);
        }

        return page;
    }

    /// <summary>The sum of all samples of that name whose labels include these.</summary>
    public double Sum(string sample, params (string Label, string Value)[] labels) =>
        Find(sample, labels).Sum(s => s.Value);

    public IEnumerable<MetricSample> Find(string sample, params (string Label, string Value)[] labels) =>
        Families.Values.SelectMany(f => f.Samples).Where(s =>
            s.Name == sample && labels.All(l => s.Labels.GetValueOrDefault(l.Label) == l.Value));

    private MetricFamily ParseHead(string[] lines, ref int i)
    {
        var type = TypeLine().Match(lines[i]);
        Assert.True(type.Success, $"expected a type: {lines[i]}");
        var name = type.Groups["name"].Value;
        var unit = UnitLine().Match(lines[i + 1]);
        if (unit.Success)
        {
            i++;
            Assert.Equal(name, unit.Groups["name"].Value);
            Assert.EndsWith("_" + unit.Groups["unit"].Value, name, StringComparison.Ordinal);
        }

        i++;
        var help = HelpLine().Match(lines[i]);
        Assert.True(help.Success, $"expected help: {lines[i]}");
        Assert.Equal(name, help.Groups["name"].Value);
        Assert.False(string.IsNullOrWhiteSpace(help.Groups["help"].Value));
        var family = new MetricFamily(
            name, type.Groups["type"].Value, unit.Groups["unit"].Value, Unescape(help.Groups["help"].Value));
        Assert.Contains(family.Type, s_suffixes.Keys);
        Assert.True(Families.TryAdd(name, family), $"twice: {name}");
        return family;
    }

    private static void AddSample(MetricFamily family, string line)
    {
        var match = SampleLine().Match(line);
        Assert.True(match.Success, $"not a sample: {line}");
        var name = match.Groups["name"].Value;
        Assert.Contains(name, s_suffixes[family.Type].Select(s => family.Name + s));
        var labels = new Dictionary<string, string>();
        var inside = match.Groups["labels"].Value;
        var pieces = LabelPair().Matches(inside);
        Assert.Equal(inside.Length, pieces.Sum(m => m.Length));
        foreach (Match pair in pieces)
        {
            Assert.True(
                labels.TryAdd(pair.Groups["key"].Value, Unescape(pair.Groups["value"].Value)), $"label twice: {line}");
        }

        Assert.DoesNotContain(family.Samples, s =>
            s.Name == name && s.Labels.Count == labels.Count && !s.Labels.Except(labels).Any());
        family.Samples.Add(new MetricSample(name, labels, ParseNumber(match.Groups["value"].Value)));
    }

    private static void CheckHistogram(MetricFamily family)
    {
        foreach (var series in family.Samples.GroupBy(s => string.Join(
            '|', s.Labels.Where(l => l.Key != "le").OrderBy(l => l.Key).Select(l => $"{l.Key}={l.Value}"))))
        {
            var buckets = series.Where(s => s.Name.EndsWith("_bucket", StringComparison.Ordinal)).ToArray();
            var bounds = buckets.Select(b => ParseNumber(b.Labels["le"])).ToArray();
            Assert.Equal(bounds.Order().Distinct(), bounds);
            Assert.Equal(double.PositiveInfinity, bounds[^1]);
            Assert.Equal(buckets.Select(b => b.Value).Order(), buckets.Select(b => b.Value));
            Assert.Equal(buckets[^1].Value, series.Single(s => s.Name == family.Name + "_count").Value);
            Assert.True(series.Single(s => s.Name == family.Name + "_sum").Value >= 0);
        }
    }

    private static double ParseNumber(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" => double.NaN,
        _ => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    private static string Unescape(string text)
    {
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            Assert.NotEqual('"', text[i]);
            if (text[i] != '\\')
            {
                plain.Append(text[i]);
                continue;
            }

            i++;
            Assert.True(i < text.Length, "a backslash at the end");
            plain.Append(text[i] switch
            {
                'n' => '\n',
                '\\' => '\\',
                '"' => '"',
                _ => throw new FormatException($"\\{text[i]}"),
            });
        }

        return plain.ToString();
    }

    [GeneratedRegex("^# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<type>[a-z]+)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex("^# UNIT (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<unit>[a-z]+)$")]
    private static partial Regex UnitLine();

    [GeneratedRegex("^# HELP (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<help>.+)$")]
    private static partial Regex HelpLine();

    [GeneratedRegex("""
        ^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>.*)\})? (?<value>[+-]?(Inf|NaN|\d+(\.\d+)?(E[+-]?\d+)?))$
        """)]
    private static partial Regex SampleLine();

    [GeneratedRegex("""(^|,)(?<key>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>([^"\\]|\\["\\n])*)"(?=,|$)""")]
    private static partial Regex LabelPair();
}
