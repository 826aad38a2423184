using System.Net;

namespace Penstock.Gateway.Hosting;

/// <summary>What a gateway process is started with; a change needs a restart.</summary>
public sealed record GatewayOptions
{
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port of clients; 0 takes a free one.</summary>
    public int Port { get; init; } = 8080;

    public IPAddress AdminAddress { get; init; } = IPAddress.Loopback;

    /// <summary>The port of operators: metrics, decisions, usage.</summary>
    public int AdminPort { get; init; } = 8081;

    /// <summary>The folder of journal and ledger.</summary>
    public required string Data { get; init; }

    /// <summary>Where one line of JSON is written for each request; null writes none. Not disposed.</summary>
    public Stream? RequestLog { get; init; }

    /// <summary>Where traces and metrics are sent; null sends none.</summary>
    public Uri? OtlpEndpoint { get; init; }
}
