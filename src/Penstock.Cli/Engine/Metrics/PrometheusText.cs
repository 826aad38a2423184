using System.Globalization;
using System.Text;

namespace Penstock.Cli.Engine.Metrics;

/// <summary>
/// Writes the Prometheus text format 0.0.4 with the two labels that vLLM puts on everything; none without a model.
/// </summary>
internal sealed class PrometheusText(string? model)
{
    private readonly StringBuilder _text = new();
    private readonly string _labels = model is null ? "" : $"engine=\"0\",model_name=\"{Escape(model)}\"";

    public override string ToString() => _text.ToString();

    public void Head(string name, string type, string help) =>
        _text.Append("# HELP ").Append(name).Append(' ').Append(help)
            .Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');

    public void Value(string name, double value, string moreLabels = "") =>
        _text.Append(name).Append(_labels.Length > 0 ? "{" + _labels + moreLabels + "} " : " ")
            .Append(Number(value)).Append('\n');

    public void Bucket(string name, double bound, long count) =>
        Value(name + "_bucket", count, $",le=\"{Number(bound)}\"");

    public void Gauge(string name, string help, double value)
    {
        Head(name, "gauge", help);
        Value(name, value);
    }

    /// <summary>A counter; vLLM's client library puts <c>_total</c> at the end of its name.</summary>
    public void Counter(string name, string help, double value)
    {
        Head(name + "_total", "counter", help);
        Value(name + "_total", value);
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : value.ToString("0.0###############", CultureInfo.InvariantCulture);

    private static string Escape(string label) =>
        label.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
}
