using System.Text;

namespace Penstock.Gateway.Observability;

/// <summary>
/// The name under which an instrument is exposed. Rules: OpenMetrics 1.0 for what a name may be, and the
/// OpenTelemetry specification's page on Prometheus compatibility for how an instrument's name and unit become one.
/// </summary>
/// <param name="Family">The family's name: no dots, the unit as its last word.</param>
/// <param name="Unit">That unit; empty where it has none.</param>
/// <param name="IsInfo">Not a number but labels; the family is named without <c>_info</c>.</param>
internal readonly record struct MetricName(string Family, string Unit, bool IsInfo)
{
    private const string InfoSuffix = "_info";
    private const string TotalSuffix = "_total";

    public static MetricName Of(string instrument, string? unit, bool isCounter)
    {
        var family = Sanitize(instrument);
        var word = WordFor(unit);
        if (isCounter && family.EndsWith(TotalSuffix, StringComparison.Ordinal))
        {
            family = family[..^TotalSuffix.Length];
        }

        if (!isCounter && word.Length == 0 && family.EndsWith(InfoSuffix, StringComparison.Ordinal))
        {
            return new MetricName(family[..^InfoSuffix.Length], "", IsInfo: true);
        }

        if (word.Length > 0 && !family.EndsWith("_" + word, StringComparison.Ordinal))
        {
            family += "_" + word;
        }

        return new MetricName(family, word, IsInfo: false);
    }

    /// <summary>A name with nothing in it but what names may have.</summary>
    public static string Sanitize(string name)
    {
        var text = new StringBuilder(name.Length + 1);
        foreach (var c in name)
        {
            text.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
        }

        return text.Length == 0 || char.IsAsciiDigit(text[0]) ? "_" + text : text.ToString();
    }

    /// <summary>Units in braces are remarks, not units.</summary>
    private static string WordFor(string? unit) => unit switch
    {
        null or "" or "1" => "",
        "s" => "seconds",
        "ms" => "milliseconds",
        "By" => "bytes",
        "USD" => "usd",
        _ when unit.StartsWith('{') => "",
        _ => Sanitize(unit),
    };
}
