using System.Net;

namespace Penstock.Core.Config;

/// <summary>What must hold for the settings of the process itself.</summary>
internal static class ServerRules
{
    public static void Check(PenstockConfig config, ConfigErrors errors)
    {
        var server = config.Server;
        CheckAddress("server.host", server.Host, errors);
        CheckAddress("server.admin_host", server.AdminHost, errors);
        if (server.Port != 0 && server.Port == server.AdminPort)
        {
            errors.Add("server.admin_port", $"is {server.Port}, the same as server.port; choose another port");
        }

        if (string.IsNullOrWhiteSpace(server.Data))
        {
            errors.Add("server.data", "is empty; write a directory");
        }

        if (config.Telemetry.OtlpEndpoint is { } endpoint)
        {
            PoolRules.Url("telemetry.otlp_endpoint", endpoint, errors);
        }
    }

    /// <summary>Names are not looked up: what listens where must not depend on a resolver, or a slip.</summary>
    public static void CheckAddress(string path, string? host, ConfigErrors errors)
    {
        if (host != "localhost" && !IPAddress.TryParse(host, out _))
        {
            errors.Add(path, $"'{host}' is no address to listen on; write an IP address, or localhost");
        }
    }
}
