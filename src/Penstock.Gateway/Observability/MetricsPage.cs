using System.Text;
using Microsoft.AspNetCore.Http;

namespace Penstock.Gateway.Observability;

/// <summary>The metrics as OpenMetrics text: <c>GET /metrics</c> of the operators' port.</summary>
internal sealed class MetricsPage(MetricsPipeline metrics)
{
    public async Task WriteAsync(HttpContext http)
    {
        var page = Encoding.UTF8.GetBytes(metrics.Collect());
        http.Response.ContentType = OpenMetricsText.ContentType;
        http.Response.ContentLength = page.Length;
        await http.Response.BodyWriter.WriteAsync(page, http.RequestAborted);
    }
}
