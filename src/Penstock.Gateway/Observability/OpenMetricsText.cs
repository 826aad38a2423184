using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Penstock.Gateway.Observability;

/// <summary>
/// Writes collected metrics as text, as OpenMetrics 1.0 has it (the specification at
/// prometheus.io/docs/specs/om/open_metrics_spec). Not thread-safe.
/// </summary>
internal sealed class OpenMetricsText
{
    public const string ContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private readonly StringBuilder _text = new();
    private readonly StringBuilder _labels = new();

    public static string Write(in Batch<Metric> metrics)
    {
        var page = new OpenMetricsText();
        foreach (var metric in metrics)
        {
            page.Write(metric);
        }

        return page._text.Append("# EOF\n").ToString();
    }

    private void Write(Metric metric)
    {
        var type = metric.MetricType;
        var isCounter = type is MetricType.LongSum or MetricType.DoubleSum;
        var name = MetricName.Of(metric.Name, metric.Unit, isCounter);
        var word = name.IsInfo ? "info"
            : isCounter ? "counter"
            : type == MetricType.Histogram ? "histogram"
            : type == MetricType.ExponentialHistogram ? "" : "gauge";
        if (word.Length == 0)
        {
            return;
        }

        _text.Append("# TYPE ").Append(name.Family).Append(' ').Append(word).Append('\n');
        if (name.Unit.Length > 0)
        {
            _text.Append("# UNIT ").Append(name.Family).Append(' ').Append(name.Unit).Append('\n');
        }

        _text.Append("# HELP ").Append(name.Family).Append(' ');
        Escape(_text, metric.Description);
        _text.Append('\n');
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            Write(name, type, in point);
        }
    }

    private void Write(in MetricName name, MetricType type, in MetricPoint point)
    {
        SetLabels(in point);
        switch (type)
        {
            case MetricType.Histogram:
                WriteHistogram(name.Family, in point);
                break;
            case MetricType.LongSum:
                Sample(name.Family, "_total").Append(point.GetSumLong()).Append('\n');
                break;
            case MetricType.DoubleSum:
                Number(Sample(name.Family, "_total"), point.GetSumDouble()).Append('\n');
                break;
            case MetricType.LongSumNonMonotonic:
                Sample(name.Family, "").Append(point.GetSumLong()).Append('\n');
                break;
            case MetricType.DoubleSumNonMonotonic:
                Number(Sample(name.Family, ""), point.GetSumDouble()).Append('\n');
                break;
            case MetricType.LongGauge:
                Sample(name.Family, name.IsInfo ? "_info" : "").Append(point.GetGaugeLastValueLong()).Append('\n');
                break;
            case MetricType.DoubleGauge when !double.IsNaN(point.GetGaugeLastValueDouble()):
                Number(Sample(name.Family, ""), point.GetGaugeLastValueDouble()).Append('\n');
                break;
        }
    }

    private void WriteHistogram(string family, in MetricPoint point)
    {
        var below = 0L;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            below += bucket.BucketCount;
            _text.Append(family).Append("_bucket{").Append(_labels).Append(_labels.Length > 0 ? ",le=\"" : "le=\"");
            Number(_text, bucket.ExplicitBound).Append("\"} ").Append(below).Append('\n');
        }

        Number(Sample(family, "_sum"), point.GetHistogramSum()).Append('\n');
        Sample(family, "_count").Append(below).Append('\n');
    }

    private StringBuilder Sample(string family, string suffix)
    {
        _text.Append(family).Append(suffix);
        return _labels.Length > 0
            ? _text.Append('{').Append(_labels).Append("} ")
            : _text.Append(' ');
    }

    private void SetLabels(in MetricPoint point)
    {
        _labels.Clear();
        foreach (var (key, value) in point.Tags)
        {
            _labels.Append(_labels.Length > 0 ? "," : "").Append(MetricName.Sanitize(key)).Append("=\"");
            Escape(_labels, Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
            _labels.Append('"');
        }
    }

    private static void Escape(StringBuilder to, string text)
    {
        foreach (var c in text)
        {
            _ = c switch
            {
                '\\' => to.Append("\\\\"),
                '"' => to.Append("\\\""),
                '\n' => to.Append("\\n"),
                '\r' => to.Append(' '),
                _ => to.Append(c),
            };
        }
    }

    /// <summary>A whole number keeps a decimal, as the canonical form of bucket bounds asks for.</summary>
    private static StringBuilder Number(StringBuilder to, double value)
    {
        if (double.IsPositiveInfinity(value))
        {
            return to.Append("+Inf");
        }

        if (double.IsNegativeInfinity(value) || double.IsNaN(value))
        {
            return to.Append(double.IsNaN(value) ? "NaN" : "-Inf");
        }

        var digits = value.ToString("R", CultureInfo.InvariantCulture);
        to.Append(digits);
        return digits.AsSpan().ContainsAny('.', 'E') ? to : to.Append(".0");
    }
}
