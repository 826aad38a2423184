using System.Diagnostics.Metrics;
using OpenTelemetry.Trace;

namespace Penstock.Gateway.Observability;

/// <summary>All that one gateway tells of itself: opened before its first request, closed after its last.</summary>
internal sealed class TelemetryRoom : IDisposable
{
    public const string MeterName = "Penstock.Gateway";

    private readonly Meter _meter = new(MeterName, ProcessMetrics.Version);
    private readonly MetricsPipeline _metrics;
    private readonly RequestLog? _log;
    private readonly TracerProvider? _traces;

    /// <param name="requestLog">Where the line of each request is written; null writes none. Not disposed.</param>
    /// <param name="otlp">Where traces and metrics are sent; null sends none.</param>
    /// <param name="time">The clock of requests and of the log's pauses.</param>
    public TelemetryRoom(Stream? requestLog, Uri? otlp, TimeProvider time)
    {
        _metrics = new MetricsPipeline(_meter, otlp);
        Page = new MetricsPage(_metrics);
        if (requestLog is not null)
        {
            _log = new RequestLog(requestLog, time);
            GatewayMetrics.ObserveLog(_meter, _log);
        }

        ProcessMetrics.Observe(_meter);
        Requests = new RequestTelemetry(new RequestMetrics(_meter), _log, time);
        _traces = otlp is null ? null : OtlpExport.Traces(otlp);
    }

    public RequestTelemetry Requests { get; }

    public MetricsPage Page { get; }

    /// <summary>Shows the state of the gateway's rooms from now on.</summary>
    public void Observe(ObservedRooms rooms) => GatewayMetrics.Observe(_meter, rooms);

    /// <summary>Writes and sends what is left, for a few seconds at most. The rooms that it observes must still be
    /// there.</summary>
    public void Dispose()
    {
        _log?.Dispose();
        _traces?.Dispose();
        _metrics.Dispose();
        _meter.Dispose();
    }
}
