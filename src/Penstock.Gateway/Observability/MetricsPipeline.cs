using System.Diagnostics.Metrics;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Penstock.Gateway.Observability;

/// <summary>
/// Aggregates the instruments of one gateway with the OpenTelemetry SDK, and hands the same numbers to whoever asks:
/// as OpenMetrics text on demand, and to a collector where one is configured. Thread-safe.
/// </summary>
internal sealed class MetricsPipeline : IDisposable
{
    /// <summary>
    /// Series of one instrument at most. The SDK counts what comes after in one series of its own, which carries the
    /// label <c>otel_metric_overflow</c>.
    /// </summary>
    public const int SeriesMax = 2000;

    /// <summary>The same for the runtime's instruments, which need few.</summary>
    private const int RuntimeSeriesMax = 100;

    private readonly Lock _collecting = new();
    private readonly MeterProvider _provider;
    private readonly LastText _text = new();

    /// <param name="meter">Whose instruments are collected, beside the runtime's. Another meter of the same name (a
    /// second gateway in the process) is left alone.</param>
    /// <param name="otlp">Where metrics are sent; null sends none.</param>
    public MetricsPipeline(Meter meter, Uri? otlp)
    {
        var reader = new BaseExportingMetricReader(_text);
        var builder = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(OtlpExport.Describe)
            .AddMeter(meter.Name, ProcessMetrics.RuntimeMeter)
            .AddView(instrument => StreamOf(instrument, meter))
            .AddReader(reader);
        _provider = (otlp is null ? builder : builder.AddOtlp(otlp)).Build();
    }

    /// <summary>Everything as it stands now.</summary>
    public string Collect()
    {
        lock (_collecting)
        {
            _text.Collect!(Timeout.Infinite);
            return _text.Text;
        }
    }

    /// <summary>Sends what was not sent yet, for a few seconds at most.</summary>
    public void Dispose() => _provider.Dispose();

    private static MetricStreamConfiguration? StreamOf(Instrument instrument, Meter own) =>
        instrument.Meter == own ? new MetricStreamConfiguration { CardinalityLimit = SeriesMax }
        : instrument.Meter.Name == ProcessMetrics.RuntimeMeter
            ? new MetricStreamConfiguration { CardinalityLimit = RuntimeSeriesMax }
        : MetricStreamConfiguration.Drop;

    /// <summary>Keeps the text of the last collection. Called under the lock of <see cref="Collect"/>.</summary>
    [ExportModes(ExportModes.Pull)]
    private sealed class LastText : BaseExporter<Metric>, IPullMetricExporter
    {
        public string Text { get; private set; } = "# EOF\n";

        /// <summary>Set by the reader. A reader that may only be pulled collects through this alone.</summary>
        public Func<int, bool>? Collect { get; set; }

        public override ExportResult Export(in Batch<Metric> batch)
        {
            Text = OpenMetricsText.Write(in batch);
            return ExportResult.Success;
        }
    }
}
