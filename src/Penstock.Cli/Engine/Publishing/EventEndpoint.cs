using System.Globalization;
using System.Net;

namespace Penstock.Cli.Engine.Publishing;

/// <summary>An address of a ZMQ socket.</summary>
/// <param name="Host">As it was written.</param>
/// <param name="Address">What it means.</param>
/// <param name="Binds">Listened on; false: connected to.</param>
internal sealed record EventEndpoint(string Host, IPEndPoint Address, bool Binds)
{
    private const string Scheme = "tcp://";

    /// <summary>Reads an address and adds the rank to its port; null where it is none.</summary>
    public static EventEndpoint? Parse(string text, int rank)
    {
        var colon = text.LastIndexOf(':');
        if (!text.StartsWith(Scheme, StringComparison.Ordinal) || colon < Scheme.Length
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port + rank > IPEndPoint.MaxPort)
        {
            return null;
        }

        var host = text[Scheme.Length..colon];
        var name = host.Trim('[', ']');
        var address = name switch
        {
            "*" => IPAddress.Any,
            "localhost" => IPAddress.Loopback,
            _ => IPAddress.TryParse(name, out var parsed) ? parsed : null,
        };
        var binds = port == 0 || host.Contains('*') || host.Contains("::", StringComparison.Ordinal);
        return address is null ? null : new EventEndpoint(host, new(address, port == 0 ? 0 : port + rank), binds);
    }
}
