using System.Globalization;
using System.Text;

namespace Penstock.LiveBench.Fleet;

/// <summary>The configuration of the gateway of one run: everything at its default but the policy.</summary>
internal static class GatewayDocument
{
    public static string Write(string policy, string data, int port, int adminPort, IEnumerable<int> engines)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $$"""
            server:
              port: {{port}}
              admin_port: {{adminPort}}
              data: {{data}}
              drain: 1s
            routing:
              policy: {{policy}}
            telemetry:
              log_level: warning
            models:
              - id: {{EngineFleet.Model}}
            pools:
              - name: fleet
                model: {{EngineFleet.Model}}
                provider: own
                region: local
                engine: vllm
                simulated: true
                replicas:

            """);
        foreach (var engine in engines)
        {
            text.Append(CultureInfo.InvariantCulture, $"      - http://127.0.0.1:{engine}\n");
        }

        return text.ToString();
    }
}
