using Microsoft.AspNetCore.Http;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Observability;

/// <summary>The metrics as OpenMetrics text.</summary>
internal static class MetricsPage
{
    public static Task WriteAsync(HttpContext http, FleetRuntime fleet, RequestFlow flow, LedgerRoom ledger) =>
        http.Response.WriteAsync($"penstock_in_flight {flow.InFlight}\n# EOF\n");
}
