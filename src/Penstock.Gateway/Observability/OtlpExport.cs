using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Penstock.Gateway.Observability;

/// <summary>
/// Sends traces and metrics to a collector as OTLP. The address comes from the configuration; everything else follows
/// the standard <c>OTEL_*</c> environment variables, protocol and headers among them. Without a protocol there it is
/// HTTP with protobuf.
/// </summary>
internal static class OtlpExport
{
    private const string ProtocolVariable = "OTEL_EXPORTER_OTLP_PROTOCOL";
    private const string ServiceVariable = "OTEL_SERVICE_NAME";

    /// <summary>Records spans and sends them. A queue that is full drops spans, it never waits.</summary>
    public static TracerProvider Traces(Uri endpoint) => Sdk.CreateTracerProviderBuilder()
        .ConfigureResource(Describe)
        .AddSource(TraceContext.Source.Name)
        .AddOtlpExporter(exporter => Aim(exporter, endpoint, "v1/traces"))
        .Build();

    public static MeterProviderBuilder AddOtlp(this MeterProviderBuilder metrics, Uri endpoint) =>
        metrics.AddOtlpExporter(exporter => Aim(exporter, endpoint, "v1/metrics"));

    /// <summary>The process, as every span and metric names it.</summary>
    public static void Describe(ResourceBuilder resource)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(ServiceVariable)))
        {
            resource.AddService("penstock", serviceVersion: ProcessMetrics.Version);
        }
    }

    private static void Aim(OtlpExporterOptions exporter, Uri endpoint, string path)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(ProtocolVariable)))
        {
            exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        }

        // With an address set in code, the exporter takes it as it is.
        exporter.Endpoint = exporter.Protocol == OtlpExportProtocol.HttpProtobuf
            ? new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/{path}")
            : endpoint;
    }
}
